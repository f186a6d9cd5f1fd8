/* The load generator: publishers and subscribers of a WebSocket server, every delivery checked.
 *
 *     load --port P [--path /connection/websocket] [--prefix c] [--channels 1] [--subscribers 1] [--window 1]
 *          [--publications 1000] [--warmup 0] [--rate 0] [--missed 0] [--size 128] [--patience 10]
 *
 * Each channel has one publisher (none if there is nothing to publish) and so many subscribers, each on a connection of its own.
 * A publication is done when all subscribers have it and its publisher has its acknowledgement. In a closed loop (--rate 0) each
 * publisher keeps --window of them outstanding; with a rate they leave when it is time, over all channels in turn. With --missed,
 * so many are published to each channel first, and what is measured is subscribers who connect and recover them.
 *
 * When everybody is there it prints "ready" and waits for a line; then it prints one line of JSON, and ends with the next line.
 * It ends with 3 when anything was lost, doubled, out of order, damaged or invented.
 */
#define _GNU_SOURCE
#include "websocket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 22, RING = 4096, AT_ONCE = 256, BUCKETS = 64 * 32, MAX_SIZE = 1 << 15, WRONG = 3 };
enum state { NOWHERE, DIALLING, SHAKING, JOINING, JOINED };

struct peer {
    int fd;
    enum state state;
    bool publisher;
    unsigned channel;
    uint64_t next; /* the number that should come next */
    uint64_t seen; /* bit n: next - 1 - n has come */
    uint8_t *kept; /* the beginning of a frame that is not all there yet */
    size_t kept_size;
};

struct channel {
    uint64_t published, acknowledged, done, oldest;
    uint32_t left[RING]; /* deliveries and acknowledgement that publications still wait for */
    char epoch[64];
    struct peer *publisher;
    bool stirred;
};

static struct options {
    int port;
    const char *path, *prefix;
    unsigned channels, subscribers, window, missed, size;
    uint64_t publications, warmup;
    double rate, patience;
} options = {.path = "/connection/websocket", .prefix = "c", .channels = 1, .subscribers = 1, .window = 1,
             .publications = 1000, .size = 128, .patience = 10};

static struct {
    uint64_t delivered, lost, doubled, reordered, damaged, invented;
} counts;

static uint64_t latencies[BUCKETS];
static struct peer *peers;
static struct channel *channels;
static unsigned peer_count, joined;
static uint64_t goal, published, done;
static unsigned *stirred, stirred_count;
static bool recovering;
static int poller;
static uint8_t buffer[BUFFER];

static _Noreturn void die(const char *what) {
    fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Latencies: 32 buckets for each power of two of nanoseconds, 3 percent apart. */

static unsigned bucket_of(uint64_t value) {
    if (value < 32)
        return (unsigned)value;
    unsigned power = 63 - (unsigned)__builtin_clzll(value);
    return (power - 4) * 32 + (unsigned)(value >> (power - 5) & 31);
}

static double percentile(double share) {
    uint64_t total = 0, reached = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        total += latencies[i];
    uint64_t wanted = (uint64_t)((double)total * share);
    for (unsigned i = 0; i < BUCKETS; i++) {
        reached += latencies[i];
        if (latencies[i] && reached > wanted) {
            if (i < 32)
                return i / 1e3;
            unsigned power = i / 32 + 4;
            return (double)((uint64_t)(32 + i % 32 + 1) << (power - 5)) / 1e3;
        }
    }
    return 0;
}

/* Sending. Commands are small and windows are narrow: what does not fit into the socket's buffer is waited for. */

static void transmit(struct peer *peer, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t sent = send(peer->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            die("send");
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        }
    }
}

static size_t framed(uint8_t *out, const char *text, size_t size) {
    size_t at = ws_header(out, WS_TEXT, size, true);
    memcpy(out + at, text, size);
    return at + size;
}

static void say(struct peer *peer, const char *text, size_t size) {
    uint8_t frame[512];
    transmit(peer, frame, framed(frame, text, size));
}

static void join(struct peer *peer) {
    struct channel *channel = &channels[peer->channel];
    char text[448];
    int size = snprintf(text, sizeof text, "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"%s%u\"",
                        options.prefix, peer->channel);
    if (options.missed && !peer->publisher)
        size += snprintf(text + size, sizeof text - (size_t)size, ",\"recover\":true,\"epoch\":\"%s\"", channel->epoch);
    if (peer->publisher && !options.missed) /* it does not subscribe */
        size = snprintf(text, sizeof text, "{\"id\":1,\"connect\":{}}");
    else
        size += snprintf(text + size, sizeof text - (size_t)size, "}}");
    peer->state = JOINING;
    say(peer, text, (size_t)size);
}

static void publish(struct channel *channel, uint64_t count) {
    static uint8_t out[1 << 20];
    char text[MAX_SIZE + 256], payload[MAX_SIZE + 1];
    size_t at = 0;
    unsigned number = (unsigned)(channel - channels);
    for (uint64_t i = 0; i < count; i++) {
        int size = snprintf(payload, sizeof payload, "#%u.%lu.%lu.", number, channel->published, now());
        if ((unsigned)size < options.size - 1)
            memset(payload + size, 'x', options.size - 1 - (unsigned)size);
        payload[options.size - 1] = '$';
        size = snprintf(text, sizeof text, "{\"id\":%lu,\"publish\":{\"channel\":\"%s%u\",\"data\":\"%.*s\"}}",
                        channel->published + 3, options.prefix, number, (int)options.size, payload);
        at += framed(out + at, text, (size_t)size);
        channel->left[channel->published % RING] = options.missed ? 1 : options.subscribers + 1;
        channel->published++;
        published++;
        if (at > sizeof out - sizeof text - WS_MAX_HEADER) {
            transmit(channel->publisher, out, at);
            at = 0;
        }
    }
    transmit(channel->publisher, out, at);
}

static void stir(struct channel *channel) {
    if (!channel->stirred) {
        channel->stirred = true;
        stirred[stirred_count++] = (unsigned)(channel - channels);
    }
}

static void settle(struct channel *channel, uint64_t number) {
    if (--channel->left[number % RING])
        return;
    channel->done++;
    done++;
    while (channel->oldest < channel->published && !channel->left[channel->oldest % RING])
        channel->oldest++;
    stir(channel);
}

/* Receiving */

static void delivery(struct peer *peer, const char *text, const char *end) {
    char *rest;
    unsigned long number = strtoul(text + 1, &rest, 10);
    uint64_t seq = strtoull(rest + 1, &rest, 10), sent = strtoull(rest + 1, NULL, 10), arrived = now();
    if (text + options.size > end || text[options.size - 1] != '$' || text[options.size] != '"') {
        counts.damaged++;
        return;
    }
    struct channel *channel = &channels[peer->channel];
    if (number != peer->channel || seq >= channel->published) {
        counts.invented++;
        return;
    }
    if (seq >= peer->next) {
        uint64_t gap = seq - peer->next;
        counts.lost += gap;
        peer->seen = gap >= 63 ? 1 : peer->seen << (gap + 1) | 1;
        peer->next = seq + 1;
    } else {
        uint64_t back = peer->next - 1 - seq;
        if (back >= 64 || peer->seen >> back & 1) {
            counts.doubled++;
            return;
        }
        peer->seen |= (uint64_t)1 << back;
        counts.lost--;
        counts.reordered++;
    }
    counts.delivered++;
    latencies[bucket_of(arrived - sent)]++;
    if (!options.missed)
        settle(channel, seq);
}

static void deliveries(struct peer *peer, const char *text, const char *end) {
    if (peer->publisher)
        return; /* with --missed it subscribes, to learn the epoch */
    while ((text = memchr(text, '#', (size_t)(end - text)))) {
        delivery(peer, text, end);
        text++;
    }
}

static void reply(struct peer *peer, const char *line, const char *end) {
    struct channel *channel = &channels[peer->channel];
    size_t size = (size_t)(end - line);
    if (memmem(line, size, "\"error\"", 7) || memmem(line, size, "\"disconnect\"", 12)) {
        fprintf(stderr, "load: the server says %.*s\n", (int)size, line);
        exit(1);
    }
    unsigned long id = strtoul(line + 6, NULL, 10);
    if (peer->state == JOINED) {
        if (id >= 3 && id - 3 < channel->published)
            settle(channel, id - 3);
        return;
    }
    bool subscribes = !peer->publisher || options.missed;
    if (id == (subscribes ? 2 : 1)) {
        const char *epoch = memmem(line, size, "\"epoch\":\"", 9);
        if (peer->publisher && epoch)
            snprintf(channel->epoch, sizeof channel->epoch, "%.*s", (int)strcspn(epoch + 9, "\""), epoch + 9);
        deliveries(peer, line, end);
        peer->state = JOINED;
        joined++;
    }
}

static void received(struct peer *peer, char *text, size_t size) {
    char *end = text + size;
    for (char *line_end; text < end; text = line_end + 1) {
        line_end = memchr(text, '\n', (size_t)(end - text));
        if (!line_end)
            line_end = end;
        if (line_end - text < 4)
            say(peer, "{}", 2); /* a ping wants a pong */
        else if (!memcmp(text, "{\"id\":", 6))
            reply(peer, text, line_end);
        else
            deliveries(peer, text, line_end);
    }
}

static size_t shaken(struct peer *peer, size_t have) {
    static const char accepted[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; /* RFC 6455, section 1.3 */
    const char *end = memmem(buffer, have, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t size = (size_t)(end - (char *)buffer) + 4;
    if (memcmp(buffer, "HTTP/1.1 101", 12) || !memmem(buffer, size, accepted, sizeof accepted - 1)) {
        fprintf(stderr, "load: no WebSocket there: %.*s\n", (int)strcspn((char *)buffer, "\r\n"), buffer);
        exit(1);
    }
    join(peer);
    return size;
}

static void shake(struct peer *peer) {
    char text[512];
    int size = snprintf(text, sizeof text,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                        options.path, options.port);
    peer->state = SHAKING;
    transmit(peer, (uint8_t *)text, (size_t)size);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    epoll_ctl(poller, EPOLL_CTL_MOD, peer->fd, &event);
}

static void readable(struct peer *peer) {
    size_t have = peer->kept_size, at = 0, used, wanted;
    if (have)
        memcpy(buffer, peer->kept, have);
    ssize_t size = recv(peer->fd, buffer + have, sizeof buffer - have, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0)
        die("the server hung up");
    have += (size_t)size;
    if (peer->state == SHAKING)
        at = shaken(peer, have);
    struct ws_frame frame;
    while (peer->state > SHAKING && (used = ws_parse(buffer + at, have - at, &frame, &wanted))) {
        at += used;
        if (!frame.fin || frame.opcode == WS_CLOSE) {
            errno = 0;
            die(frame.fin ? "the server closed a connection" : "a frame in parts");
        }
        if (frame.opcode == WS_TEXT)
            received(peer, (char *)frame.payload, frame.size);
        else if (frame.opcode == WS_PING) {
            uint8_t pong[WS_MAX_HEADER];
            transmit(peer, pong, ws_header(pong, WS_PONG, 0, true));
        }
    }
    free(peer->kept);
    peer->kept = NULL;
    peer->kept_size = have - at;
    if (peer->kept_size) {
        if (!(peer->kept = malloc(peer->kept_size)))
            die("malloc");
        memcpy(peer->kept, buffer + at, peer->kept_size);
    }
}

/* Whether anything came within so many milliseconds. */
static bool turn(int milliseconds) {
    static struct epoll_event events[1024];
    int count = epoll_wait(poller, events, 1024, milliseconds);
    for (int i = 0; i < count; i++) {
        struct peer *peer = events[i].data.ptr;
        if (peer->state == DIALLING)
            shake(peer);
        else
            readable(peer);
    }
    return count > 0;
}

/* What is measured */

static void dial(struct peer *peer, bool publisher, unsigned channel) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    *peer = (struct peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .state = DIALLING,
                          .publisher = publisher, .channel = channel};
    if (peer->fd < 0)
        die("socket");
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(peer->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("connect");
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = peer};
    epoll_ctl(poller, EPOLL_CTL_ADD, peer->fd, &event);
    if (publisher)
        channels[channel].publisher = peer;
}

static void wait_for(unsigned *what, unsigned count) {
    uint64_t last = now();
    for (unsigned before = *what; *what < count;) {
        turn(100);
        if (*what != before) {
            before = *what;
            last = now();
        } else if ((double)(now() - last) / 1e9 > options.patience) {
            errno = 0;
            die("the server does not answer");
        }
    }
}

static void gather(bool publishers) {
    unsigned count = publishers ? options.channels : options.channels * options.subscribers;
    unsigned limit = recovering ? count : AT_ONCE, begun = joined;
    for (unsigned i = 0; i < count; i++) {
        dial(&peers[peer_count++], publishers, i % options.channels);
        if (i >= limit)
            wait_for(&joined, begun + i - limit);
    }
    wait_for(&joined, begun + count);
}

static void refill(void) {
    unsigned count = stirred_count;
    stirred_count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct channel *channel = &channels[stirred[i]];
        channel->stirred = false;
        uint64_t outstanding = channel->published - channel->done, want = 0;
        if (outstanding < options.window && channel->published - channel->oldest < RING - options.window)
            want = options.window - outstanding;
        if (want > goal - published)
            want = goal - published;
        if (want)
            publish(channel, want);
    }
}

/* Publish until the goal is reached; how long it took, in seconds. What does not come within the patience is lost. */
static double run(uint64_t count) {
    uint64_t begun = now(), last = begun, before = done;
    goal = published + count;
    uint64_t first = published;
    for (unsigned i = 0; options.rate <= 0 && i < options.channels; i++)
        stir(&channels[i]);
    refill();
    while (done < goal) {
        int wait = 100;
        if (options.rate > 0 && published < goal) {
            uint64_t due = first + (uint64_t)((double)(now() - begun) * options.rate / 1e9);
            while (published < due && published < goal)
                publish(&channels[published % options.channels], 1);
            wait = 0;
        }
        turn(wait);
        if (options.rate <= 0)
            refill();
        if (done != before) {
            before = done;
            last = now();
        } else if ((double)(now() - last) / 1e9 > options.patience)
            break;
    }
    double took = (double)(now() - begun) / 1e9;
    while (turn(20)) /* what came twice comes now */
        ;
    return took;
}

static void await_line(void) {
    char line[64];
    if (!fgets(line, sizeof line, stdin))
        exit(1);
}

static double recover(void) {
    uint64_t begun = now();
    recovering = true;
    gather(false);
    double took = (double)(now() - begun) / 1e9;
    while (turn(20))
        ;
    return took;
}

static int report(double took, uint64_t expected) {
    for (unsigned i = 0; i < peer_count; i++)
        if (!peers[i].publisher)
            counts.lost += channels[peers[i].channel].published - peers[i].next;
    printf("{\"seconds\":%.6f,\"publications\":%lu,\"expected\":%lu,\"delivered\":%lu,\"unfinished\":%lu,"
           "\"lost\":%lu,\"doubled\":%lu,\"reordered\":%lu,\"damaged\":%lu,\"invented\":%lu,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f}\n",
           took, options.publications, expected, counts.delivered, goal - done, counts.lost, counts.doubled,
           counts.reordered, counts.damaged, counts.invented, percentile(0.5), percentile(0.99), percentile(0.999));
    fflush(stdout);
    bool right = counts.delivered == expected && done == goal &&
                 !(counts.lost | counts.doubled | counts.reordered | counts.damaged | counts.invented);
    return right ? 0 : WRONG;
}

static void read_options(int argc, char **argv) {
    static const struct option names[] = {
        {"port", 1, 0, 'p'},   {"path", 1, 0, 'a'},   {"prefix", 1, 0, 'x'},       {"channels", 1, 0, 'c'},
        {"window", 1, 0, 'w'}, {"rate", 1, 0, 'r'},   {"publications", 1, 0, 'n'}, {"subscribers", 1, 0, 's'},
        {"missed", 1, 0, 'm'}, {"size", 1, 0, 'z'},   {"patience", 1, 0, 't'},     {"warmup", 1, 0, 'u'},
        {0, 0, 0, 0}};
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 'p': options.port = atoi(optarg); break;
        case 'a': options.path = optarg; break;
        case 'x': options.prefix = optarg; break;
        case 'c': options.channels = (unsigned)atoi(optarg); break;
        case 's': options.subscribers = (unsigned)atoi(optarg); break;
        case 'w': options.window = (unsigned)atoi(optarg); break;
        case 'n': options.publications = strtoull(optarg, NULL, 10); break;
        case 'u': options.warmup = strtoull(optarg, NULL, 10); break;
        case 'r': options.rate = atof(optarg); break;
        case 'm': options.missed = (unsigned)atoi(optarg); break;
        case 'z': options.size = (unsigned)atoi(optarg); break;
        case 't': options.patience = atof(optarg); break;
        default: exit(2);
        }
    }
    errno = 0;
    if (!options.port || !options.channels || options.window < 1 || options.window > RING / 4 || options.size < 64 ||
        options.size > MAX_SIZE || options.missed > RING / 4)
        die("an option is missing or out of bounds; see the head of load.c");
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    channels = calloc(options.channels, sizeof *channels);
    stirred = calloc(options.channels, sizeof *stirred);
    peers = calloc((size_t)options.channels * (options.subscribers + 1), sizeof *peers);
    poller = epoll_create1(0);
    if (!channels || !stirred || !peers || poller < 0)
        die("no memory");
    if (options.publications || options.missed)
        gather(true);
    if (options.missed) {
        unsigned window = options.window;
        options.window = options.missed;
        run((uint64_t)options.missed * options.channels);
        options.window = window;
    } else {
        gather(false);
        run(options.warmup);
    }
    counts.delivered = 0;
    memset(latencies, 0, sizeof latencies);
    printf("ready\n");
    fflush(stdout);
    await_line();
    uint64_t expected = (uint64_t)options.channels * options.subscribers * options.missed;
    double took;
    if (options.missed) {
        took = recover();
    } else {
        expected = options.publications * options.subscribers;
        took = run(options.publications);
    }
    int code = report(took, expected);
    await_line();
    return code;
}
