require_relative "lib/fastlane/plugin/countersign/version"

Gem::Specification.new do |spec|
  spec.name = "fastlane-plugin-countersign"
  spec.version = Fastlane::Countersign::VERSION
  spec.author = "The countersign authors"
  spec.summary = "Gates a lane with countersign, and runs its build with the CI keychain open"
  spec.licenses = ["MIT", "Apache-2.0"]
  spec.files = Dir["lib/**/*"] + ["README.md"]
  spec.require_paths = ["lib"]
  spec.required_ruby_version = ">= 2.7"
  # No dependency on fastlane, which loads the plugin: it would be a circle.
end
