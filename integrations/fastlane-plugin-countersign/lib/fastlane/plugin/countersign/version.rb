module Fastlane
  module Countersign
    VERSION = "0.1.0".freeze
  end
end
