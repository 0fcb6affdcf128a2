/* Dr lima, who may write in Ana's folder: what dr lima's programs do there, by paths below Ana's
 * directory in dr lima's folder (viewer_at), and what the two computers tell each other. A failed
 * step fails the test, but for those that try. */
#pragma once

#include "shared_kit.h"

/* A file made or written over, and closed. */
emr_status writer_try_write(viewer *v, const char *inside, const char *text);
void writer_put(viewer *v, const char *inside, const char *text);
emr_status writer_try_mkdir(viewer *v, const char *inside);
emr_status writer_try_rename(viewer *v, const char *from, const char *to);
emr_status writer_try_unlink(viewer *v, const char *inside);
emr_status writer_try_rmdir(viewer *v, const char *inside);
/* Opened for writing in the middle: what is there comes first. */
emr_handle *writer_open_to_change(viewer *v, const char *inside);
/* Valid until the next call of either: names with commas between them; the bytes. */
const char *writer_list(viewer *v, const char *inside);
const char *writer_text(viewer *v, const char *inside);

/* His computer sends, and looks; the second: and then hers looks. */
void writer_send(viewer *v);
void writer_exchange(viewer *v);
/* How much was not sent, or cannot be. */
uint64_t writer_pending(viewer *v);
/* His folder is closed, and opened again. */
void writer_reopen(viewer *v);
/* Names in the directory PATH of hers, with commas, in a static buffer. */
const char *hers(story *s, const char *path);
