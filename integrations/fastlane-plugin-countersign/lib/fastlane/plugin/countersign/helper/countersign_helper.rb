require "json"
require "open3"
require "shellwords"

module Fastlane
  module Helper
    # Options of the actions as words of the command line, and what countersign answers.
    class CountersignHelper
      # What every command of countersign understands: these stand before the command.
      GLOBAL = {
        policy: "The signing policy",
        manifest: "The frozen manifest",
        state_dir: "The directory of the audit log, journals and locks"
      }.freeze
      # What gate and run understand.
      SHARED = {
        project: "The Xcode project or workspace",
        scheme: "Judge what this scheme archives",
        target: "Use only this target",
        configuration: "Use only this build configuration",
        sdk: "Use only targets of this SDK",
        kind: "How the product is distributed: development, ad-hoc, app-store, enterprise, developer-id",
        xcconfig: "The configuration file that xcodebuild gets",
        build_settings: "The output of xcodebuild -showBuildSettings, or the plan of asc",
        expect_policy: "The policy must have this digest",
        expect_manifest: "The manifest must have this digest",
        expect_signing: "The signing identities must have this digest",
        region: "The region of this job",
        identities: "The output of security find-identity, a p12, or what match stores",
        password_file: "The file with the password of the p12",
        keychain: "The keychain"
      }.freeze
      # What run understands besides.
      RUN = {
        window: "How long the keychain may stay open, as in 30m",
        keychain_password_file: "The file with the keychain's password"
      }.freeze
      # Several of them may be given, in an array.
      REPEATED = %i[project target configuration build_settings].freeze
      # Secrets of fastlane that no build needs.
      WITHHELD = %w[MATCH_PASSWORD FASTLANE_PASSWORD FASTLANE_SESSION].freeze

      # `--scheme App --target A --target B`; options without a value are left out.
      def self.words(params, names)
        names.flat_map do |name|
          flag = "--#{name.to_s.tr('_', '-')}"
          values = Array(params[name]).map(&:to_s).reject(&:empty?)
          values.flat_map { |value| [flag, value] }
        end
      end

      # The whole command line. No shell reads it.
      def self.command(params, verb, names, before: [])
        [params[:executable].to_s, *before, *words(params, GLOBAL.keys), verb, *words(params, names)]
      end

      # Runs the gate. Returns its JSON document and its exit code.
      def self.gate(params)
        command = command(params, "gate", SHARED.keys, before: ["--format", "json"])
        waived = Array(params[:without]).join(",")
        command += ["--without", waived] unless waived.empty?
        out, err, status = Open3.capture3(*command)
        document = begin
          JSON.parse(out)
        rescue JSON::ParserError
          {}
        end
        [document, status.exitstatus || 128 + status.termsig.to_i, err]
      rescue Errno::ENOENT
        UI.user_error!("#{params[:executable]} is not installed: install countersign, or set `executable`")
      end

      # Runs a command with the keychain open. Returns the exit code; its output goes where fastlane's goes.
      def self.run(params)
        words = params[:command]
        words = words.shellsplit if words.kind_of?(String)
        command = [*command(params, "run", SHARED.keys + RUN.keys), "--", *words.map(&:to_s)]
        withheld = WITHHELD.to_h { |name| [name, nil] }
        started = system(withheld, *command)
        UI.user_error!("#{params[:executable]} is not installed: install countersign, or set `executable`") if started.nil?
        status = $?
        status.exitstatus || 128 + status.termsig.to_i
      end

      # The options of an action.
      def self.options(descriptions)
        items = [FastlaneCore::ConfigItem.new(key: :executable, env_name: "COUNTERSIGN_EXECUTABLE", optional: true,
                                              description: "The program", default_value: "countersign", type: String)]
        items + descriptions.map do |key, description|
          repeated = REPEATED.include?(key)
          FastlaneCore::ConfigItem.new(key: key, optional: true, skip_type_validation: repeated,
                                       description: repeated ? "#{description}; one, or an array" : description,
                                       type: repeated ? nil : String)
        end
      end
    end
  end
end
