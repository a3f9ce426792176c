"""Settings that cannot be meant are refused before anything starts, all at once, each with its source."""

import json
import os
import pathlib
import re

import pytest

from support.broker import ReservedPort
from support.shell import shell
from support.workflows import three_steps


@pytest.fixture
def configure(tmp_path):
    def write(text: str) -> list:
        path = tmp_path / "settings.yaml"
        path.write_text(text)
        return ["--config", path]
    return write


def refusal(binary, *arguments, **environment) -> list:
    """The faults of a role that must not start, a line each."""
    result = binary.run(*arguments, env=os.environ | {name: str(value) for name, value in environment.items()})
    assert result.returncode == 78 and not result.stdout, result
    lines = result.stderr.splitlines()
    assert all("settings: " in line for line in lines), result.stderr
    return lines


@pytest.mark.parametrize("text, places", [
    ("bus: {type: kafka}", ["bus in "]),
    ("port: [8000]\nhost: {a: b}", ["port in ", "host in "]),
    ("data_dir: [a]\nlog_level: {a: b}\nstop_grace: [1s]\ninsecure: [true]",
     ["data_dir in ", "log_level in ", "stop_grace in ", "insecure in "]),
    ("host:\ndata_dir: ''", ["host in ", "data_dir in "]),
    ("plugins: {a: b}\ncors_origins: [[x]]\nplugin_files: [{a: b}]",
     ["plugins in ", "cors_origins in ", "plugin_files in "]),
    ("kafka: {bootstrap: 127.0.0.1:9}", ["kafka"]),
    ("kafka:", ["kafka"]),
    ("bus: kafka\nkafka: {bootstrap: [a], partitions: {}, properties: [x]}",
     ["kafka.bootstrap in ", "kafka.partitions in ", "kafka.properties in "]),
    ("[a]: 1\n? {b: c}\n: 2", ["unknown setting"]),
    ("tokens: [{name: ann, token_file: /dev/null, groups: [[a]]}]", ["groups has an entry"]),
    ("notifier: {channels: [{name: a, type: webhook, timeout: [1s], approvers: [{a: b}], url: {x: y}}]}",
     ["timeout is a list", "approvers is not a list of single values", "url is a mapping"]),
    ("notifier: {retry_schedule: {a: b}}", ["notifier.retry_schedule in "]),
    ("notifier: {channels: [{name: a, type: webhook, approvers: [], url: 'http://a.example/', url_file: /dev/null,"
     " tls_ca: /dev/null}, [b]]}",
     ["a url and a url_file", "approvers names nobody", "is not a mapping; give a name"]),
    ("notifier: {channels: [{name: a, type: webhook, url: 'http://a.example/', tls_ca: /dev/null}]}",
     ["tls_ca is not used by a URL of http"]),
], ids=range(14))
def test_values_of_another_kind_are_refused(binary, configure, text, places):
    faults = refusal(binary, "serve", "--print-config", *configure(text))
    for place in places:
        assert any(place in line for line in faults), (place, faults)


def test_channels_are_counted_in_help_and_refusal_alike(binary, configure):
    channel = "{{name: c{}, type: webhook, url: 'https://example.org/'}}"
    faults = refusal(binary, "notifier", "--print-config", *configure(
        f"notifier: {{channels: [{', '.join(map(channel.format, range(33)))}]}}"))
    assert any("has 33 channels; the limit is 32" in line for line in faults), faults
    assert "32 at most" in re.sub(r"\s+", " ", binary.run("notifier", "run", "--help").stdout)


def test_empty_values_are_refused_from_wherever_they_come(binary, tmp_path):
    faults = refusal(binary, "serve", "--data-dir", "", "--print-config", STEPSTREAM_HOST="", STEPSTREAM_PLUGINS=":")
    assert [re.sub(".*settings: ", "", line).split()[0] for line in faults] == [
        "STEPSTREAM_HOST", "--data-dir", "STEPSTREAM_PLUGINS"]


def test_settings_of_kafka_need_the_bus(binary, configure):
    for arguments, environment in ((["--kafka-bootstrap", "127.0.0.1:9"], {}),
                                   ([], {"STEPSTREAM_KAFKA_BOOTSTRAP": "127.0.0.1:9"})):
        faults = refusal(binary, "serve", "--print-config", *arguments, **environment)
        assert len(faults) == 1 and "bus: kafka" in faults[0]
    for arguments in (["--bus", "embedded", "--kafka-bootstrap", "a:1"],
                      configure("bus: embedded\nkafka: {cluster: a}")):
        faults = refusal(binary, "serve", "--print-config", *arguments)
        assert len(faults) == 1 and "bus: kafka" in faults[0]
    # Whoever names the other bus by a flag beside a file of Kafka's knows what they do.
    result = binary.run("serve", "--print-config", "--bus", "embedded", *configure("kafka: {bootstrap: 127.0.0.1:9}"))
    assert result.returncode == 0 and json.loads(result.stdout)["bus"] == "embedded", result


def test_directories_that_are_not_there_are_refused_by_whoever_needs_them(binary, data_dir, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    faults = refusal(binary, "serve", "--port", "x", "--data-dir", data_dir, "--plugins", "/nope", "--plugins", file,
                     "--plugin-files", "/missing")
    assert [re.sub(r".*settings: ", "", line).split(":")[0] for line in faults] == [
        '--port is "x"; give a number from 0 to 65535', "--plugins", "--plugins", "--plugin-files"]
    assert not data_dir.exists()
    # The others may share the settings and have no plugins.
    assert binary.run("gateway", "--print-config", env=os.environ | {"STEPSTREAM_PLUGINS": "/nope"}).returncode == 0
    assert refusal(binary, "serve", "--plugins", "/nope", "--print-config")
    definition = tmp_path / "w.json"
    definition.write_text(json.dumps(three_steps()))
    for command in (["run", definition], ["validate", definition], ["plugin", "list"]):
        result = binary.run(*command, "--plugins", "/nope")
        assert result.returncode == 78 and "/nope" in result.stderr and "--plugins" in result.stderr, result


def test_a_working_directory_that_is_gone_leads_to_no_other_place(binary, tmp_path):
    result = shell(binary, """
        mkdir "$GONE" && cd "$GONE" && rmdir "$GONE" && stepstream serve --data-dir data --port 0""",
                   GONE=tmp_path / "gone")
    assert result.returncode == 78 and "absolute path" in result.stderr, result
    assert not pathlib.Path("/data").exists()


def test_an_unusable_state_home_is_ignored_as_its_specification_says(binary):
    command = ["serve", "--print-config"]
    homes = ({"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative"}, {})
    script = ('exec setpriv --reuid 65534 --clear-groups "$STEPSTREAM" serve --print-config' if os.geteuid() == 0
              else 'exec "$STEPSTREAM" serve --print-config')
    for home in homes:
        result = shell(binary, script, **{"HOME": "/home/x", **home})
        if result.returncode == 126:
            pytest.skip("the binary cannot be run as another user here")
        assert json.loads(result.stdout)["data_dir"] == "/home/x/.local/state/stepstream", (command, result)


def test_reading_commands_make_no_directory_of_a_slip(binary, data_dir):
    for command in (["events"], ["events", "--follow"],
                    ["republish", "--bus", "kafka", "--kafka-bootstrap", "127.0.0.1:9", "--from", "0"]):
        result = binary.run(*command, "--data-dir", data_dir)
        assert result.returncode == 78 and str(data_dir) in result.stderr, result
        assert not data_dir.exists()
    data_dir.mkdir()
    result = binary.run("events", "--data-dir", data_dir)
    assert result.returncode == 1 and "no event topic" in result.stderr, result


def test_addresses_that_cannot_be_bound_are_said_in_words(binary, data_dir):
    taken = ReservedPort()
    taken.socket.listen()
    for host, port in (("no-such-host.invalid", 0), ("127.0.0.1", taken.number), ("192.0.2.1", 0)):
        result = binary.run("serve", "--insecure", "--host", host, "--port", port, "--data-dir", data_dir,
                            "--plugins", binary.plugins)
        assert result.returncode == 78 and host in result.stderr, result
        said = result.stderr.splitlines()[-1]
        assert not re.search(r"Error\(|SocketAddressError|NSCocoa|errno: ", said), said
    taken.release()


def test_a_short_local_run_warns_of_nothing(binary, tmp_path):
    definition = tmp_path / "w.json"
    definition.write_text(json.dumps(three_steps()))
    for _ in range(3):
        result = shell(binary, """stepstream run "$FILE" -i <(echo '{"value": 1}') --plugins "$PLUGINS" """,
                       FILE=definition, PLUGINS=binary.plugins)
        assert (result.returncode, result.stderr) == (0, ""), result


def test_a_temporary_directory_that_cannot_be_made_is_said_in_words(binary, tmp_path):
    definition = tmp_path / "w.json"
    definition.write_text(json.dumps(three_steps()))
    result = binary.run("run", definition, env=os.environ | {"TMPDIR": "/nowhere"})
    assert result.returncode == 78 and "/nowhere" in result.stderr and "NSCocoa" not in result.stderr, result


@pytest.mark.parametrize("brokers, wrong", [
    ("x:99999", ["x:99999"]), ("x:0", ["x:0"]), (":9092", [":9092"]), ("a:1,,b:2", [""]),
    ("http://x:1", ["http://x:1"]),
    ("a:0, b:65536", ["a:0", "b:65536"]), ("a:+1", ["a:+1"]), ("a:", ["a:"])])
def test_brokers_that_cannot_be_are_refused_each(binary, brokers, wrong):
    faults = refusal(binary, "serve", "--print-config", "--bus", "kafka", "--kafka-bootstrap", brokers)
    assert [re.search('has "(.*?)"', line)[1] for line in faults] == wrong and "--kafka-bootstrap" in faults[0]


def test_brokers_are_addresses_with_or_without_white_space(binary):
    result = binary.run("serve", "--print-config", "--bus", "kafka", "--kafka-bootstrap", "a:1, b_c.d:65535,[::1]:3")
    assert json.loads(result.stdout)["kafka"]["bootstrap"] == "a:1,b_c.d:65535,[::1]:3", result


def test_null_is_no_text(binary, configure):
    faults = refusal(binary, "serve", "--print-config", *configure(
        "data_dir: ~\nhost: null\nplugins: [~]\nbus: kafka\nkafka: {bootstrap: a, tls_ca: ~, properties: {a: ~}}\n"
        "tokens: [{name: ann, token_file: ~}]"))
    for place in ("data_dir in ", "host in ", "plugins in ", "kafka.tls_ca in ", "kafka.properties in ",
                  "no token_file"):
        assert any(place in line for line in faults), (place, faults)
    quoted = binary.run("serve", "--print-config", *configure("host: '~'\ninsecure: true"))
    assert json.loads(quoted.stdout)["host"] == "~", quoted


def test_a_tilde_is_no_directory(binary, configure):
    faults = refusal(binary, "serve", "--print-config", *configure("data_dir: ~/data\nplugins: ['~x']"))
    assert len([line for line in faults if "~ stands for no directory" in line]) == 2, faults


def test_variables_that_are_no_settings_are_refused_or_said(binary):
    faults = refusal(binary, "serve", "--print-config", STEPSTREAM_PROT="1", STEPSTREAM_TOKENS="a",
                     STEPSTREAM_NOTIFIER_CHANNELS="a", STEPSTREAM_PLUGIN_SECRET_FILES="a",
                     STEPSTREAM_KAFKA_PARTITION="1",
                     STEPSTREAM_BUS="kafka", STEPSTREAM_KAFKA_BOOTSTRAP="a:1")
    text = "\n".join(faults)
    assert len(faults) == 5 and "did you mean STEPSTREAM_PORT?" in text, faults
    assert "did you mean STEPSTREAM_KAFKA_PARTITIONS?" in text
    assert all(f"{key} stands in the settings file alone" in text
               for key in ("tokens", "notifier.channels", "plugin_secret_files"))
    # As Kubernetes has it for a service of that name.
    other = binary.run("serve", "--print-config", env=os.environ | {"STEPSTREAM_SERVICE_HOST": "10.0.0.1"})
    assert other.returncode == 0 and "STEPSTREAM_SERVICE_HOST is no setting" in other.stderr


def test_a_settings_file_without_a_name_is_said_of_its_source(binary):
    assert "--config is empty" in refusal(binary, "serve", "--config", "")[0]
    assert "STEPSTREAM_CONFIG is empty" in refusal(binary, "serve", STEPSTREAM_CONFIG="")[0]


def test_security_that_has_no_effect_is_refused(binary, configure):
    faults = refusal(binary, "serve", "--print-config", *configure(
        "bus: kafka\nkafka: {bootstrap: a, sasl_username: u, sasl_password: p, tls_ca: /dev/null}"))
    assert [re.search(r"kafka\.\w+", line)[0] for line in faults] == [
        "kafka.sasl_username", "kafka.sasl_password", "kafka.tls_ca"]


@pytest.mark.parametrize("flags", [["--print-config"], ["--port", "0"]])
def test_every_fault_comes_in_one_round(binary, data_dir, configure, flags):
    faults = refusal(binary, "serve", "--data-dir", data_dir, *flags, *configure(
        "bus: kafka\nplugins: [/nope]\nplugin_secret_files: {a: {b: /none}}\nlog_level: loud\n"
        "kafka: {bootstrap: a, partitions: 0, security: ssl, tls_ca: /no/ca, properties: {acks: '0'}}"))
    for word in ("/nope", "/none", "log_level", "kafka.partitions", "/no/ca", "acks"):
        assert any(word in line for line in faults), (word, faults)
    assert not data_dir.exists()


def test_the_token_file_is_shown(binary, configure, tmp_path):
    result = binary.run("serve", "--print-config", *configure(
        "bus: kafka\nkafka: {bootstrap: a, security: sasl_ssl, sasl_mechanism: OAUTHBEARER, "
        "oauth_token_file: /run/token}"))
    assert json.loads(result.stdout)["kafka"]["oauth_token_file"] == "/run/token", result


def test_public_urls_have_a_port_that_can_be(binary, configure):
    faults = refusal(binary, "serve", "--print-config", *configure("approvals: {public_url: 'https://a:99999'}"))
    assert len(faults) == 1 and "public_url" in faults[0]
