/* picture.h: what a play looks like while it runs. [main] */
#ifndef WEIR_SANDBOX_PICTURE_H
#define WEIR_SANDBOX_PICTURE_H

struct play;
/* A new picture a few times a second; where stderr is no terminal, a line every two seconds. */
void picture_draw(struct play *play);

#endif
