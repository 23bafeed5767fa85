require "fastlane/plugin/countersign/version"

module Fastlane
  module Countersign
    # What fastlane loads: every action and helper beside this file.
    def self.all_classes
      Dir[File.expand_path("countersign/{actions,helper}/*.rb", File.dirname(__FILE__))].sort
    end
  end
end

Fastlane::Countersign.all_classes.each { |file| require file }
