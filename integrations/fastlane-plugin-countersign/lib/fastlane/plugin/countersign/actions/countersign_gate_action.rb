require "fastlane/action"
require_relative "../helper/countersign_helper"

module Fastlane
  module Actions
    # May this machine sign with the manifest now? The lane stops if not.
    class CountersignGateAction < Action
      BLOCKED = 10

      def self.run(params)
        document, code, said = Helper::CountersignHelper.gate(params)
        findings = document["findings"] || []
        findings.each do |finding|
          line = "#{finding['code']}: #{finding['message']}"
          line += " (#{finding['hint']})" if finding["hint"]
          finding["severity"] == "block" ? UI.error(line) : UI.important(line)
        end
        case code
        when 0
          UI.success("countersign: this machine may sign")
        when BLOCKED
          codes = findings.select { |finding| finding["severity"] == "block" }.map { |finding| finding["code"] }.uniq
          UI.user_error!("countersign: this machine may not sign: #{codes.join(', ')}")
        else
          UI.user_error!("countersign could not look (exit code #{code}): #{said.strip}")
        end
        document
      end

      def self.description
        "Checks that this machine may sign with the manifest now, and stops the lane if not"
      end

      def self.available_options
        helper = Helper::CountersignHelper
        without = FastlaneCore::ConfigItem.new(key: :without, optional: true, type: Array,
                                               description: "Groups that are waived, where the policy allows it")
        helper.options(helper::GLOBAL.merge(helper::SHARED)) << without
      end

      def self.return_value
        "The verdict of the gate, as countersign prints it with --format json"
      end

      def self.authors
        ["The countersign authors"]
      end

      def self.example_code
        ['countersign_gate(project: "App.xcodeproj", scheme: "App")']
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
