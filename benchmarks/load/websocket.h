/* RFC 6455 as far as a benchmark needs it; the load generator and the floor share it. */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum { WS_MAX_HEADER = 14, WS_ACCEPT_SIZE = 28 };

struct ws_frame {
    uint8_t opcode;
    bool fin;
    uint8_t *payload; /* unmasked, in place */
    size_t size;
};

/* Sec-WebSocket-Accept of a key, with a final zero. */
void ws_accept(const char *key, size_t key_size, char accept[WS_ACCEPT_SIZE + 1]);

/* The header of a final frame; a masked one has the key 0, so that its payload stays as it is. Returns the header's size. */
size_t ws_header(uint8_t out[WS_MAX_HEADER], uint8_t opcode, size_t size, bool masked);

/* Returns how many bytes the frame at `data` takes, 0 when it is not all there yet. `*wanted` is then its size, if known, or 0. */
size_t ws_parse(uint8_t *data, size_t have, struct ws_frame *frame, size_t *wanted);

#endif
