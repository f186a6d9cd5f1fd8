#include "websocket.h"

#include <string.h>

static uint32_t rotate(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }

static void sha1_block(uint32_t state[5], const uint8_t *block) {
    uint32_t words[80];
    for (int i = 0; i < 16; i++)
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
                   block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t mixed, constant;
        if (i < 20) {
            mixed = (b & c) | (~b & d);
            constant = 0x5a827999;
        } else if (i < 40) {
            mixed = b ^ c ^ d;
            constant = 0x6ed9eba1;
        } else if (i < 60) {
            mixed = (b & c) | (b & d) | (c & d);
            constant = 0x8f1bbcdc;
        } else {
            mixed = b ^ c ^ d;
            constant = 0xca62c1d6;
        }
        uint32_t next = rotate(a, 5) + mixed + e + constant + words[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void ws_accept(const char *key, size_t key_size, char accept[WS_ACCEPT_SIZE + 1]) {
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t text[128] = {0};
    if (key_size > 64)
        key_size = 64;
    memcpy(text, key, key_size);
    memcpy(text + key_size, guid, sizeof guid - 1);
    size_t size = key_size + sizeof guid - 1;
    text[size] = 0x80;
    size_t blocks = (size + 8) / 64 + 1;
    text[blocks * 64 - 2] = (uint8_t)(size * 8 >> 8);
    text[blocks * 64 - 1] = (uint8_t)(size * 8);
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    for (size_t i = 0; i < blocks; i++)
        sha1_block(state, text + 64 * i);
    uint8_t digest[21] = {0};
    for (int i = 0; i < 20; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++)
            accept[4 * i + j] = digits[three >> (18 - 6 * j) & 63];
    }
    accept[WS_ACCEPT_SIZE - 1] = '=';
    accept[WS_ACCEPT_SIZE] = 0;
}

size_t ws_header(uint8_t out[WS_MAX_HEADER], uint8_t opcode, size_t size, bool masked) {
    size_t at = 2;
    out[0] = 0x80 | opcode;
    if (size < 126) {
        out[1] = (uint8_t)size;
    } else if (size < 65536) {
        out[1] = 126;
        out[at++] = (uint8_t)(size >> 8);
        out[at++] = (uint8_t)size;
    } else {
        out[1] = 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            out[at++] = (uint8_t)((uint64_t)size >> shift);
    }
    if (masked) {
        out[1] |= 0x80;
        memset(out + at, 0, 4);
        at += 4;
    }
    return at;
}

size_t ws_parse(uint8_t *data, size_t have, struct ws_frame *frame, size_t *wanted) {
    *wanted = 0;
    if (have < 2)
        return 0;
    bool masked = data[1] & 0x80;
    size_t size = data[1] & 0x7f, at = 2;
    if (size >= 126) {
        size_t bytes = size == 126 ? 2 : 8;
        if (have < at + bytes)
            return 0;
        size = 0;
        for (size_t i = 0; i < bytes; i++)
            size = size << 8 | data[at++];
    }
    size_t mask_at = at;
    at += masked ? 4 : 0;
    if (have < at || have - at < size) {
        *wanted = at + size;
        return 0;
    }
    frame->opcode = data[0] & 0x0f;
    frame->fin = data[0] & 0x80;
    frame->payload = data + at;
    frame->size = size;
    if (masked && (data[mask_at] | data[mask_at + 1] | data[mask_at + 2] | data[mask_at + 3]))
        for (size_t i = 0; i < size; i++)
            data[at + i] ^= data[mask_at + i % 4];
    return at + size;
}
