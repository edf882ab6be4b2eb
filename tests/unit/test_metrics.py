"""The figures for Prometheus: what they count, and who may see them."""

from assistant import paths
from assistant.cluster.nginx import Nginx
from assistant.rasa import observe


class Asked:
    """A request as `allowed` looks at it."""

    def __init__(self, ip, **headers):
        self.ip, self.headers = ip, headers


def test_addresses_and_token(monkeypatch):
    assert (
        observe.allowed(Asked("127.0.0.1"))
        and observe.allowed(Asked("::1"))
        and not observe.allowed(Asked("10.1.2.3"))
    )
    monkeypatch.setenv("ASSISTANT_METRICS_ALLOW", "10.1.0.0/16, 192.168.7.7")
    assert (
        observe.allowed(Asked("10.1.2.3"))
        and observe.allowed(Asked("192.168.7.7"))
        and not observe.allowed(Asked("10.2.2.3"))
    )
    monkeypatch.setenv("ASSISTANT_METRICS_ALLOW", "nonsense")
    assert not observe.allowed(Asked("10.1.2.3"))
    monkeypatch.setenv("ASSISTANT_METRICS_TOKEN", "s3cret")
    assert (
        observe.allowed(Asked("10.9.9.9", authorization="Bearer s3cret"))
        and not observe.allowed(Asked("127.0.0.1"))
        and not observe.allowed(Asked("127.0.0.1", authorization="Bearer wrong"))
    )


def test_nginx_never_passes_the_metrics_on(tmp_path):
    Nginx(tmp_path, 7301, 7302).write([7303], [7304])
    settings = (tmp_path / "nginx.conf").read_text("utf-8")
    for place in ("= /webhooks/web/metrics", "^~ /webhooks/web/metrics/"):
        block = settings.split(f"location {place} {{", 1)[1].split("}", 1)[0]
        assert "return 404" in block and "proxy_pass" not in block


def test_every_metric_is_documented():
    text = (paths.ROOT / "docs" / "operations.md").read_text("utf-8")
    names = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in observe.registry.collect()
        if family.name.startswith("assistant_")
    }
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_a_database_that_is_away_hides_no_other_figure():
    page = observe.page(None, 3, "abc").decode()
    assert (
        "assistant_requests_undelivered NaN" in page
        and "assistant_turns_unwritten 3.0" in page
        and 'assistant_model_info{model="abc"} 1.0' in page
    )
