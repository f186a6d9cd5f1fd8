"""Which publications a subscription gets, by their tags: the server's filter and the client's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from chirpbird.realtime.protocol.messages import FilterNode
    from chirpbird.realtime.subscription import Subscription
    from chirpbird.realtime.tag_filter import TagFilter

__all__ = ["refilter", "tag_filter_of"]


def tag_filter_of(sub: Subscription) -> TagFilter | None:
    """Both, or what there is of them. Errors: FilterError."""
    nodes = [node for node in (sub.options.server_tags_filter, sub.asked) if node is not None]
    return sub.session.core.tag_filters.get(*nodes) if nodes else None


def refilter(sub: Subscription, node: FilterNode) -> bool:
    """Have a live subscription get what fits this filter of the server's from here on; what was published before goes by the old
    one. False: it gets deltas, which do not go together with filters, and has to be begun anew. Errors: FilterError.
    """
    if sub.variety.delta:
        return False
    sub.options = msgspec.structs.replace(sub.options, server_tags_filter=node)
    variety = sub.variety._replace(filter=tag_filter_of(sub))
    if sub.channel is not None:
        sub.channel.settle()
        sub.channel.remove(sub.session, sub)
        sub.variety = variety
        sub.channel.add(sub.session, sub)
    return True
