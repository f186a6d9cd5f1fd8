/* The floor: what a server that answers the commands of the benchmark, and does nothing else, costs with one send() for each
 * delivery. It has no limits, no timeouts, no history and no manners; nobody should serve anything with it.
 *
 *     floor PORT
 */
#define _GNU_SOURCE
#include "websocket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, CHANNELS = 1 << 15, FDS = 1 << 17 };

struct channel {
    int *members;
    size_t count, room;
};

struct peer {
    bool open;
    uint8_t *kept; /* the beginning of something that is not all there yet */
    size_t kept_size;
};

static struct peer peers[FDS];
static struct channel channels[CHANNELS];
static uint8_t buffer[2 * BUFFER];

static _Noreturn void die(const char *what) {
    perror(what);
    exit(1);
}

static void deliver(int fd, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return; /* it is gone; its reader will notice */
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        }
    }
}

static void say(int fd, const char *text, size_t size) {
    uint8_t frame[WS_MAX_HEADER + 256];
    size_t at = ws_header(frame, WS_TEXT, size, false);
    memcpy(frame + at, text, size);
    deliver(fd, frame, at + size);
}

/* The channel that is named prefix and number; the number is all that counts. */
static struct channel *find_channel(const char *name, const char *end) {
    size_t number = 0;
    for (; name < end && *name != '"'; name++)
        if (*name >= '0' && *name <= '9')
            number = number * 10 + (size_t)(*name - '0');
    if (number >= CHANNELS)
        die("channel number");
    return &channels[number];
}

static void subscribe(int fd, struct channel *channel) {
    if (channel->count == channel->room) {
        channel->room = channel->room ? 2 * channel->room : 4;
        channel->members = realloc(channel->members, channel->room * sizeof *channel->members);
        if (!channel->members)
            die("realloc");
    }
    channel->members[channel->count++] = fd;
}

static void publish(struct channel *channel, const char *name, size_t name_size, const char *data, size_t data_size) {
    static uint8_t frame[BUFFER + 256];
    char head[160];
    int head_size = snprintf(head, sizeof head, "{\"push\":{\"channel\":\"%.*s\",\"pub\":{\"data\":", (int)name_size, name);
    size_t size = (size_t)head_size + data_size + 3;
    size_t at = ws_header(frame, WS_TEXT, size, false);
    memcpy(frame + at, head, (size_t)head_size);
    memcpy(frame + at + head_size, data, data_size);
    memcpy(frame + at + head_size + data_size, "}}}", 3);
    for (size_t i = 0; i < channel->count; i++)
        deliver(channel->members[i], frame, at + size);
}

static void command(int fd, const char *line, const char *end) {
    static const char channel_key[] = "\"channel\":\"", data_key[] = "\"data\":";
    if (end - line < 8)
        return; /* a pong */
    const char *name = memmem(line, (size_t)(end - line), channel_key, sizeof channel_key - 1);
    unsigned long id = strtoul(line + 6, NULL, 10); /* {"id": */
    char answer[64];
    if (!name) {
        say(fd, answer, (size_t)snprintf(answer, sizeof answer, "{\"id\":%lu,\"connect\":{\"client\":\"c\"}}", id));
        return;
    }
    name += sizeof channel_key - 1;
    const char *data = memmem(name, (size_t)(end - name), data_key, sizeof data_key - 1);
    const char *name_end = memchr(name, '"', (size_t)(end - name));
    if (!name_end)
        return;
    struct channel *channel = find_channel(name, end);
    if (!data) {
        subscribe(fd, channel);
        say(fd, answer, (size_t)snprintf(answer, sizeof answer, "{\"id\":%lu,\"subscribe\":{}}", id));
        return;
    }
    data += sizeof data_key - 1;
    publish(channel, name, (size_t)(name_end - name), data, (size_t)(end - data) - 2);
    say(fd, answer, (size_t)snprintf(answer, sizeof answer, "{\"id\":%lu,\"publish\":{}}", id));
}

static void commands(int fd, const char *text, size_t size) {
    const char *end = text + size;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        if (!line_end)
            line_end = end;
        command(fd, text, line_end);
        text = line_end + 1;
    }
}

/* Returns the bytes that were used up. */
static size_t shake_hands(int fd, char *text, size_t size) {
    static const char key_name[] = "Sec-WebSocket-Key: ";
    char *end = memmem(text, size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    char *key = memmem(text, (size_t)(end - text), key_name, sizeof key_name - 1);
    char *key_end = key ? memmem(key, (size_t)(end + 2 - key), "\r\n", 2) : NULL;
    if (!key_end) {
        shutdown(fd, SHUT_RDWR);
        return size;
    }
    char accept[WS_ACCEPT_SIZE + 1], answer[256];
    key += sizeof key_name - 1;
    ws_accept(key, (size_t)(key_end - key), accept);
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n",
                          accept);
    peers[fd].open = true;
    deliver(fd, (uint8_t *)answer, (size_t)length);
    return (size_t)(end - text) + 4;
}

static void gone(int fd) {
    for (size_t i = 0; i < CHANNELS; i++) {
        struct channel *channel = &channels[i];
        for (size_t j = 0; j < channel->count; j++)
            if (channel->members[j] == fd)
                channel->members[j--] = channel->members[--channel->count];
    }
    free(peers[fd].kept);
    peers[fd] = (struct peer){0};
    close(fd);
}

static void readable(int fd) {
    struct peer *peer = &peers[fd];
    size_t have = peer->kept_size;
    if (have)
        memcpy(buffer, peer->kept, have);
    ssize_t received = recv(fd, buffer + have, sizeof buffer - have, MSG_DONTWAIT);
    if (received < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (received <= 0) {
        gone(fd);
        return;
    }
    have += (size_t)received;
    size_t at = 0, used, wanted;
    if (!peer->open)
        at = shake_hands(fd, (char *)buffer, have);
    struct ws_frame frame;
    while (peer->open && (used = ws_parse(buffer + at, have - at, &frame, &wanted))) {
        at += used;
        if (frame.opcode == WS_TEXT)
            commands(fd, (char *)frame.payload, frame.size);
        else if (frame.opcode == WS_CLOSE)
            shutdown(fd, SHUT_RDWR);
    }
    free(peer->kept);
    peer->kept = NULL;
    peer->kept_size = have - at;
    if (peer->kept_size) {
        if (peer->kept_size >= BUFFER || !(peer->kept = malloc(peer->kept_size)))
            die("a frame is too large");
        memcpy(peer->kept, buffer + at, peer->kept_size);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: floor PORT\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = socket(AF_INET, SOCK_STREAM, 0), poller = epoll_create1(0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(argv[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 2048))
        die("listen");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poller, events, 512, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                readable(fd);
                continue;
            }
            int accepted = accept(listener, NULL, NULL);
            if (accepted < 0 || accepted >= FDS)
                continue;
            setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            event.data.fd = accepted;
            epoll_ctl(poller, EPOLL_CTL_ADD, accepted, &event);
        }
    }
}
