/* digest.c: see digest.h. */
#include "base/digest.h"
#include <openssl/evp.h>
#include <stdio.h>
#include "base/check.h"

const char *digest_sha256(char into[DIGEST_TEXT_MAX], weir_span bytes) {
  uint8_t sum[32];
  unsigned size = 0;
  must(EVP_Digest(bytes.data ? bytes.data : (const uint8_t *)"", bytes.size, sum, &size, EVP_sha256(), NULL) == 1);
  must(size == sizeof sum);
  for (size_t i = 0; i < sizeof sum; i++) snprintf(into + 2 * i, 3, "%02x", sum[i]);
  return into;
}
