require "fastlane/action"
require_relative "../helper/countersign_helper"

module Fastlane
  module Actions
    # Runs the gate, then a command with the CI keychain open.
    class CountersignRunAction < Action
      def self.run(params)
        code = Helper::CountersignHelper.run(params)
        UI.user_error!("countersign run ended with exit code #{code}") unless code.zero?
        UI.success("countersign: the command is done, and the keychain is closed")
        true
      end

      def self.description
        "Runs the gate, opens the CI keychain, runs a command, and closes the keychain"
      end

      def self.available_options
        helper = Helper::CountersignHelper
        command = FastlaneCore::ConfigItem.new(key: :command, optional: false, skip_type_validation: true, type: nil,
                                               description: "The command and its arguments: an array, or text that is split as a shell splits it. No shell runs it")
        helper.options(helper::GLOBAL.merge(helper::SHARED, helper::RUN)) << command
      end

      def self.return_value
        "true: the command succeeded"
      end

      def self.authors
        ["The countersign authors"]
      end

      def self.example_code
        ['countersign_run(project: "App.xcodeproj", command: ["xcodebuild", "archive", "-scheme", "App"])']
      end

      def self.category
        :code_signing
      end

      def self.is_supported?(_platform)
        true
      end
    end
  end
end
