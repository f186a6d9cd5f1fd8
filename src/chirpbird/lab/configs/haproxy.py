"""The load balancer: health checks, least connections, TLS, streams that are not held back."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["haproxy_config"]

_DEFAULTS = """\
defaults
    mode http
    option forwardfor
    # Each reply of a stream leaves at once.
    option http-no-delay
    # A node that is gone, or stopping since its last check: the next one is asked at once.
    retries 2
    option redispatch 1
    retry-on conn-failure empty-response 503
    timeout connect 2s
    timeout http-request 10s
    timeout http-keep-alive 10s
    timeout queue 5s
    # The server pings every 25 s, so a silent minute on a stream or a request means that somebody is gone.
    timeout client 60s
    timeout server 60s
    # WebSockets: the same, with room for clients that were asleep.
    timeout tunnel 2m
"""

_BACKEND = """\
backend nodes
    # WebSockets live for hours: what counts is how many a node holds, not whose turn it is.
    balance leastconn
    # What is not asked twice: a request that changes something, unless no connection came about.
    http-request disable-l7-retry unless METH_GET or METH_HEAD
    # The truth about a node: its loop answers, the store takes a durable write, and it is not draining. A node that answers
    # 404 gets nobody new and keeps those whom it has: one that stops says goodbye to them one by one, and with the database
    # away they had better wait where they are.
    option httpchk
    http-check disable-on-404
    http-check send meth GET uri /health/ready?otherwise=404 ver HTTP/1.1 hdr Host chirpbird
    http-check expect status 200
    # A node that answers nothing at all (it hangs, or its network is gone) is down after 6 s at most; its connections are closed,
    # so that clients need not find out by pings that stay away. The check takes up to a second at the store.
    timeout check 2s
    default-server check inter 1s fastinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions"""


def haproxy_config(
    nodes: Mapping[str, str],
    *,
    bind: str,
    status: str,
    alive: str = "127.0.0.1:8405",
    certificates: str | None = None,
    log: str = "stdout format raw local0",
    clients: int = 20_000,
    resolver: str | None = None,
) -> str:
    """The whole file.

    ``nodes`` maps names to host:port. ``bind`` is where clients come in (``address:port``, several with commas between),
    ``status`` where the statistics are, ``alive`` where keepalived asks. ``certificates`` is a PEM file or a directory of them:
    with it ``bind`` speaks TLS, and port 80 points there. ``clients`` is how many connections are taken, each of which needs
    two open files. ``resolver`` is a name server (``address:port``) to ask again and again for nodes given by name.
    """
    binds = [f"    bind {one}" for one in bind.split(",")]
    if certificates is not None:
        binds = [f"{line} ssl crt {certificates} alpn h2,http/1.1" for line in binds]
    lines = [
        "global",
        f"    log {log}",
        f"    maxconn {clients}",
        "    # Long-lived connections do not keep an old process alive for ever after a reload.\n    hard-stop-after 10m",
        *(["    ssl-default-bind-options ssl-min-ver TLSv1.2"] if certificates is not None else []),
        "",
        _DEFAULTS,
        *(_plain_http() if certificates is not None else []),
        "frontend chat",
        *binds,
        "    log global",
        "    option httplog",
        "    # Only what this balancer saw itself is passed on.",
        "    http-request del-header X-Forwarded-For",
        "    http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]",
        *(
            ["    http-response set-header Strict-Transport-Security max-age=31536000"]
            if certificates is not None
            else []
        ),
        "    default_backend nodes",
        "",
        _BACKEND + ("" if resolver is None else " resolvers names init-addr none"),
        *(f"    server {name} {address}" for name, address in nodes.items()),
        "",
        *_watched(status, alive, resolver),
    ]
    return "\n".join(lines)


def _plain_http() -> list[str]:
    return [
        "frontend plain",
        "    bind :80",
        "    http-request redirect scheme https code 308",
        "",
    ]


def _watched(status: str, alive: str, resolver: str | None) -> list[str]:
    return [
        *([] if resolver is None else ["resolvers names", f"    nameserver one {resolver}", ""]),
        "frontend alive",
        f"    bind {alive}",
        "    # Asked by keepalived: is this balancer alive.",
        "    monitor-uri /balancer",
        "",
        "frontend status",
        f"    bind {status}",
        "    stats enable",
        "    stats uri /",
        "    stats refresh 5s",
        "    http-request use-service prometheus-exporter if { path /metrics }",
        "",
    ]
