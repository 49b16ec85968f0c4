/* digest.h: SHA-256, by libcrypto. */
#ifndef WEIR_BASE_DIGEST_H
#define WEIR_BASE_DIGEST_H
#include <weir/plugin.h>

enum { DIGEST_TEXT_MAX = 65 };

/* The SHA-256 of the bytes as 64 small hexadecimal digits. Any thread. Returns `into`. */
const char *digest_sha256(char into[DIGEST_TEXT_MAX], weir_span bytes);

#endif
