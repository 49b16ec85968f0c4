/* interpolation.h: ${env:NAME}, ${env:NAME:-default}, ${file:path} and $${ in the scalars of a tree. It works on the tree and
 * not on the text, so what a variable holds can never become a key, a list or a comment; and what was put in is not looked
 * at again. */
#ifndef WEIR_CONFIG_INTERPOLATION_H
#define WEIR_CONFIG_INTERPOLATION_H

struct arena;
struct report;
struct weir_config;

struct interpolation {
  const char *folder;                        /* ${file:} starts here */
  const char *(*variable)(const char *name); /* getenv() */
  struct arena *arena;
  struct report *report;
};

/* Gives every scalar below `node` its final text, once. A value from a file is masked, and one from a variable whose name says that it is
 * secret (see interpolation_is_secret()). Errors are reported with the scalar's place. Keys stay as they are. */
void interpolation_apply(const struct interpolation *interpolation, struct weir_config *node);
/* The name has PASSWORD, PASSWD, SECRET, TOKEN, CREDENTIAL or PRIVATE_KEY in it, in any case. */
_Bool interpolation_is_secret(const char *name);

#endif
