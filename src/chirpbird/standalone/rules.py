"""What a channel's name says about it, and what its namespace allows."""

from __future__ import annotations

import re

import msgspec

from chirpbird.realtime import PublishOptions, PublishReply, RecoveryMode, SubscribeOptions, errors
from chirpbird.standalone.config import ChannelOptions, Config
from chirpbird.standalone.config.values import compile_pattern
from chirpbird.standalone.grants import Grant

__all__ = ["ChannelRule", "Rules"]

_skip_json = msgspec.json.Decoder(msgspec.Raw).decode


class ChannelRule:
    """The rule of one namespace, or of the channels without one."""

    __slots__ = (
        "_insecure",
        "_pattern",
        "_subscribe",
        "data_format",
        "options",
        "publish",
        "publish_reply",
        "unkept",
    )

    def __init__(self, options: ChannelOptions, config: Config) -> None:
        self.options = options
        self._insecure = config.client.insecure
        self._pattern: re.Pattern[str] | None = (
            compile_pattern(options.channel_regex) if options.channel_regex else None
        )
        self._subscribe: dict[tuple[bool, bool, bool], SubscribeOptions] = {}
        self.data_format = options.publication_data_format or config.channel.publication_data_format
        self.unkept = PublishOptions(delta=options.delta_publish)
        """For publications that are not to be kept."""
        self.publish = PublishOptions(
            history_size=options.history_size,
            history_ttl=options.history_ttl,
            history_meta_ttl=options.history_meta_ttl or config.channel.history_meta_ttl,
            delta=options.delta_publish,
        )
        self.publish_reply = PublishReply(options=self.publish)

    def name_fits(self, channel: str, rest: str) -> bool:
        """``rest`` is the name behind the namespace."""
        return channel.isascii() if self._pattern is None else self._pattern.search(rest) is not None

    def data_fits(self, data: bytes) -> bool:
        """Whether this may be published."""
        if not data:
            return False
        if self.data_format not in ("json", "json_object"):
            return True
        try:
            data.decode()
            _skip_json(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        return self.data_format == "json" or data.lstrip()[:1] == b"{"

    def may_subscribe(self, user: str) -> bool:
        """Of channels whose names say nothing about that."""
        options = self.options
        return options.allow_subscribe_for_client and (user != "" or options.allow_subscribe_for_anonymous)

    def may_publish(self, user: str, *, subscribed: bool) -> bool:
        options = self.options
        somebody = user != "" or options.allow_publish_for_anonymous
        among = options.allow_publish_for_client or (options.allow_publish_for_subscriber and subscribed)
        return (somebody and among) or self._insecure

    def may_see_presence(self, user: str, *, subscribed: bool) -> bool:
        options = self.options
        somebody = user != "" or options.allow_presence_for_anonymous
        among = options.allow_presence_for_client or (options.allow_presence_for_subscriber and subscribed)
        return (somebody and among) or self._insecure

    def may_see_history(self, user: str, *, subscribed: bool) -> bool:
        options = self.options
        somebody = user != "" or options.allow_history_for_anonymous
        among = options.allow_history_for_client or (options.allow_history_for_subscriber and subscribed)
        return (somebody and among) or self._insecure

    def subscription(
        self, *, positioned: bool = False, recoverable: bool = False, push_join_leave: bool = False
    ) -> SubscribeOptions:
        """How somebody is subscribed without a token: as the namespace has it, and with these wishes granted. The same object for
        the same wishes."""
        wishes = positioned, recoverable, push_join_leave
        known = self._subscribe.get(wishes)
        if known is None:
            known = self._subscribe[wishes] = self._make_subscription(*wishes)
        return known

    def granted(self, grant: Grant, expire_at: float | None = None) -> SubscribeOptions:
        """How somebody is subscribed who was granted it by the application: in a token, or over the API."""
        over, options = grant.override, self.options
        recoverable = over.recoverable(options.force_recovery)
        return msgspec.structs.replace(
            self.subscription(),
            presence=over.present(options.presence),
            join_leave=over.joining(options.join_leave),
            push_join_leave=over.pushed(options.force_push_join_leave),
            positioned=over.positioned(options.force_positioning),
            recoverable=recoverable,
            auto_cache_recover=options.auto_cache_recover and recoverable,
            info=grant.info,
            data=grant.data,
            expire_at=expire_at,
        )

    def _make_subscription(
        self, positioned: bool, recoverable: bool, push_join_leave: bool
    ) -> SubscribeOptions:
        options = self.options
        cache = options.force_recovery_mode == "cache"
        recoverable = recoverable or options.force_recovery
        return SubscribeOptions(
            presence=options.presence,
            join_leave=options.join_leave,
            push_join_leave=push_join_leave or options.force_push_join_leave,
            positioned=positioned or options.force_positioning,
            recoverable=recoverable,
            recovery_mode=RecoveryMode.CACHE if cache else RecoveryMode.STREAM,
            auto_cache_recover=options.auto_cache_recover and cache and recoverable,
            allowed_delta_types=tuple(options.allowed_delta_types),
            allow_tags_filter=options.allow_tags_filter,
        )


class Rules:
    """The rules of all channels."""

    def __init__(self, config: Config) -> None:
        self._names = config.channel
        self._insecure = config.client.insecure
        self._personal = config.client.subscribe_to_user_personal_channel.personal_channel_namespace
        self._default = ChannelRule(config.channel.without_namespace, config)
        self._rules = {options.name: ChannelRule(options, config) for options in config.channel.namespaces}

    def find(self, channel: str) -> ChannelRule:
        """Errors: UNKNOWN_CHANNEL when there is no such namespace."""
        namespace, _ = self._split(channel)
        return self._of(namespace)

    def length_fits(self, channel: str) -> bool:
        return 0 < len(channel) <= self._names.max_length

    def checked(self, channel: str) -> ChannelRule:
        """For names that clients give. Errors: as ``find``; BAD_REQUEST for a name that the namespace does not allow."""
        if not self.length_fits(channel):
            raise errors.BAD_REQUEST
        namespace, rest = self._split(channel)
        rule = self._of(namespace)
        if not rule.name_fits(channel, rest):
            raise errors.BAD_REQUEST
        return rule

    def may_subscribe(self, rule: ChannelRule, channel: str, user: str) -> bool:
        """Without a token."""
        if self.is_private(channel):
            return False
        if rule.options.allow_user_limited_channels and self._is_limited(channel):
            return (user != "" and user in self._users(channel)) or self._insecure
        return rule.may_subscribe(user) or self._insecure

    def is_private(self, channel: str) -> bool:
        """Only for those with a subscription token."""
        prefix = self._names.private_prefix
        return prefix != "" and channel.startswith(prefix)

    def personal_channel(self, user: str) -> str:
        """The channel that is subscribed to for this user, where that is switched on."""
        names = self._names
        namespace = self._personal + names.namespace_boundary if self._personal else ""
        return f"{namespace}{names.user_boundary}{user}"

    def _split(self, channel: str) -> tuple[str, str]:
        names = self._names
        boundary = names.namespace_boundary
        if boundary and boundary in channel:
            namespace, found, rest = channel.removeprefix(names.private_prefix).partition(boundary)
            if found:
                return namespace, rest
        return "", channel

    def _of(self, namespace: str) -> ChannelRule:
        if not namespace:
            return self._default
        rule = self._rules.get(namespace)
        if rule is None:
            raise errors.UNKNOWN_CHANNEL
        return rule

    def _is_limited(self, channel: str) -> bool:
        boundary = self._names.user_boundary
        return boundary != "" and boundary in channel

    def _users(self, channel: str) -> list[str]:
        users = channel.rpartition(self._names.user_boundary)[2]
        separator = self._names.user_separator
        return users.split(separator) if separator else [users]
