# As much of fastlane as the plugin uses.
module FastlaneCore
  class Interface
    class FastlaneError < StandardError; end
  end

  # Remembers what it was told.
  module UI
    def self.said
      @said ||= []
    end

    %i[message success important error].each do |level|
      define_singleton_method(level) { |line| said << line }
    end

    def self.user_error!(message)
      raise Interface::FastlaneError, message
    end
  end

  # An option of an action.
  class ConfigItem
    attr_reader :key

    def initialize(key:, description:, optional:, type:, env_name: nil, default_value: nil, skip_type_validation: false)
      raise "#{key} is not described" if description.to_s.empty?

      @key = key
      @rest = [optional, type, env_name, default_value, skip_type_validation]
    end
  end
end

module Fastlane
  UI = FastlaneCore::UI

  # The superclass of actions.
  class Action; end
end
