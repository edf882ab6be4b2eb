"""What the container and the systemd units promise, as far as it can be tried without a container
engine and without systemd."""

import ipaddress
import re
from types import SimpleNamespace

import yaml
from multidict import CIMultiDict

from assistant import clinic, paths
from assistant.rasa.throttle import address_of


def test_the_compose_file_keeps_its_promises():
    services = yaml.safe_load((paths.ROOT / "compose.yml").read_text("utf-8"))["services"]
    assert set(services) == {"assistant", "postgres", "redis"}
    for name, service in services.items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"] and not service[
            "user"
        ].startswith("0"), name
        assert not service.get("privileged") and "mem_limit" in service, name
        for address in service.get("ports", []):
            assert address.startswith("127.0.0.1:"), "open to other machines"
    assert any(entry.startswith("/app/var") for entry in services["assistant"]["tmpfs"])
    names = {
        name
        for folder in ("assistant", "actions")
        for file in (paths.ROOT / folder).rglob("*.py")
        for name in re.findall(
            r"\b(?:HANDOFF_[A-Z_]*(?:PASSWORD|SECRET)|ASSISTANT_METRICS_[A-Z]+)\b",
            file.read_text("utf-8"),
        )
    }
    assert names and names <= set(services["assistant"]["environment"]), (
        "a setting that never reaches the container"
    )
    text = (paths.ROOT / "compose.yml").read_text("utf-8")
    assert not re.search(r"(PASSWORD|SECRET): (?!\$\{)\S", text), (
        "a secret in a file that git tracks"
    )


def test_the_web_server_in_front_of_the_container_is_believed():
    """It comes in by the gateway of the network `front`: otherwise all visitors would share one
    limit."""
    composed = yaml.safe_load((paths.ROOT / "compose.yml").read_text("utf-8"))
    network = composed["networks"]["front"]["ipam"]["config"][0]
    assert ipaddress.ip_address(network["gateway"]) in ipaddress.ip_network(network["subnet"])
    request = SimpleNamespace(
        ip=network["gateway"], headers=CIMultiDict({"X-Forwarded-For": "203.0.113.9"})
    )
    assert address_of(request, clinic.load_clinic().limits.trusted_proxies) == "203.0.113.9"


def test_the_container_can_back_up():
    composed = yaml.safe_load((paths.ROOT / "compose.yml").read_text("utf-8"))
    assert (
        "backups:/app/var/backups" in composed["services"]["assistant"]["volumes"]
        and "backups" in composed["volumes"]
    )
    last_stage = (paths.ROOT / "Dockerfile").read_text("utf-8").rsplit("FROM ", 1)[1]
    assert (
        "postgresql-client" in last_stage
        and "-o 10001" in last_stage
        and "/app/var/backups" in last_stage
    )


def test_the_dockerfile_ends_without_rights():
    lines = (paths.ROOT / "Dockerfile").read_text("utf-8").splitlines()
    last_stage = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    users = [line.split()[1] for line in last_stage if line.startswith("USER ")]
    assert users and users[-1].split(":")[0] not in ("0", "root")
    assert any("--require-hashes" in line for line in lines) and any(
        "/webhooks/web/live" in line for line in last_stage
    )
    assert not [line for line in lines if re.match(r"(ENV|ARG).*(SECRET|PASSWORD)", line)]
