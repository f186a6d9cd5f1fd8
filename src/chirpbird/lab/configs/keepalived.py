"""One address for two balancers: whoever is alive and first in line holds it (VRRP)."""

from __future__ import annotations

__all__ = ["check_script", "keepalived_config"]


def check_script(address: str) -> str:
    """A program that succeeds if the balancer at ``host:port`` answers within a second, so that a hung one counts as dead."""
    host, port = address.rsplit(":", 1)
    return (
        "#!/bin/bash\n"
        "# Does this host's balancer answer?\n"
        "exec timeout 1 bash -c '\n"
        f"  exec 3<>/dev/tcp/{host}/{port} || exit 1\n"
        '  printf "GET /balancer HTTP/1.0\\r\\n\\r\\n" >&3\n'
        "  read -r status <&3\n"
        '  [[ $status == *" 200 "* ]]\n'
        "'\n"
    )


def keepalived_config(
    *,
    interface: str,
    own: str,
    peer: str,
    shared: str,
    priority: int,
    check: str,
    pid_directory: str = "/run",
) -> str:
    """``own`` and ``peer`` are the two hosts' addresses, ``shared`` (with its prefix length) is what clients connect
    to, ``check`` the path of ``check_script``'s program.
    """
    return f"""\
global_defs {{
    router_id {own}
    script_user root
    enable_script_security
    vrrp_garp_master_delay 1
}}

vrrp_script balancer {{
    script "{check}"
    interval 1
    timeout 2
    fall 2
    rise 1
}}

vrrp_instance chat {{
    interface {interface}
    state BACKUP
    # Two hosts that agree on nothing else have to agree on this number, and no third pair on this network may use it.
    virtual_router_id 51
    priority {priority}
    advert_int 1
    # Who comes back does not take the address from a balancer that works: every move costs all clients a reconnect.
    nopreempt
    unicast_src_ip {own}
    unicast_peer {{
        {peer}
    }}
    virtual_ipaddress {{
        {shared}
    }}
    track_script {{
        balancer
    }}
}}
"""
