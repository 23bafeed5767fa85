# The actions against a stub of fastlane and a stub of countersign. Needs Ruby alone:
#
#   ruby test/plugin_test.rb
#
# COUNTERSIGN names a built countersign: then its help must know every flag that the plugin writes.
require "fileutils"
require "open3"
require "tmpdir"

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))
$LOAD_PATH.unshift(File.expand_path("stub", __dir__))
require "fastlane/action"
require "fastlane/plugin/countersign"

Gate = Fastlane::Actions::CountersignGateAction
Run = Fastlane::Actions::CountersignRunAction
Wrapper = Fastlane::Helper::CountersignHelper

def check(what, is_so)
  raise "not so: #{what}" unless is_so

  puts "ok: #{what}"
end

def refused
  yield
  raise "nothing was refused"
rescue FastlaneCore::Interface::FastlaneError => e
  e.message
end

Dir.mktmpdir do |folder|
  log = File.join(folder, "words")
  stub = File.join(folder, "countersign")
  # Writes its words and what it sees of match's password, prints the answer, and ends as the file beside it says.
  File.write(stub, <<~SH)
    #!/bin/sh
    for word; do printf '%s\\n' "$word"; done > #{log}
    echo "password=$MATCH_PASSWORD" >> #{log}
    cat #{folder}/answer
    exit "$(cat #{folder}/code)"
  SH
  FileUtils.chmod(0o755, stub)
  answer = lambda do |code, json|
    File.write(File.join(folder, "code"), code.to_s)
    File.write(File.join(folder, "answer"), json)
  end
  words = -> { File.readlines(log, chomp: true) }
  # Every option is there, and those that nobody gave are nil, as fastlane hands them over.
  params = ->(given) { Hash.new { |_, _| nil }.merge(executable: stub).merge(given) }

  answer.call(0, '{"verdict": "cleared", "findings": []}')
  document = Gate.run(params.call(project: ["A.xcodeproj", "B.xcodeproj"], scheme: "My App", policy: "p.toml", without: %w[targets]))
  expected = %w[--format json --policy p.toml gate --project A.xcodeproj --project B.xcodeproj --scheme] + ["My App", "--without", "targets"]
  check("the gate gets each option as a word of its own", words.call[0...-1] == expected)
  check("the verdict is returned", document["verdict"] == "cleared")

  answer.call(10, '{"verdict": "blocked", "findings": [{"code": "profile-expired", "severity": "block", "message": "m", "hint": "renew it"}]}')
  message = refused { Gate.run(params.call({})) }
  check("a gate that blocks stops the lane and names the codes", message.include?("may not sign: profile-expired"))
  check("each finding is told with its hint", FastlaneCore::UI.said.include?("profile-expired: m (renew it)"))

  answer.call(7, "no JSON")
  message = refused { Gate.run(params.call({})) }
  check("a gate that cannot look stops the lane with the exit code", message.include?("exit code 7"))

  ENV["MATCH_PASSWORD"] = "a secret"
  answer.call(0, "")
  check("a run that succeeds is true", Run.run(params.call(command: "xcodebuild -scheme 'My App'", window: "30m")))
  check("the command is split as a shell splits it, and no shell runs it", words.call[0...-1] == ["run", "--window", "30m", "--", "xcodebuild", "-scheme", "My App"])
  check("a run does not see match's password", words.call.last == "password=")
  Run.run(params.call(command: ["echo", "$(id); true"]))
  check("words of an array stay as they are", words.call[-2] == "$(id); true")

  answer.call(65, "")
  message = refused { Run.run(params.call(command: ["false"])) }
  check("a command that fails stops the lane with its exit code", message.include?("exit code 65"))

  nowhere = File.join(folder, "nowhere")
  [[Gate, {}], [Run, { command: ["true"] }]].each do |action, given|
    message = refused { action.run(params.call(given.merge(executable: nowhere))) }
    check("#{action} says that countersign is not installed", message.include?("not installed"))
  end

  [Gate, Run].each do |action|
    keys = action.available_options.map(&:key)
    check("#{action} declares each option once", keys.uniq == keys && keys.include?(:executable))
    check("#{action} describes itself", !action.description.empty? && action.is_supported?(:ios))
  end
end

if (program = ENV["COUNTERSIGN"])
  { "gate" => Wrapper::SHARED.keys + [:without], "run" => Wrapper::SHARED.keys + Wrapper::RUN.keys }.each do |verb, keys|
    help, status = Open3.capture2(program, verb, "--help")
    check("countersign #{verb} has a help", status.success?)
    (keys + Wrapper::GLOBAL.keys).each do |key|
      flag = "--#{key.to_s.tr('_', '-')}"
      check("countersign #{verb} knows #{flag}", help.include?("#{flag} <"))
    end
  end
end
