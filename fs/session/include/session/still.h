/* A state on a disk that takes nothing (base/disk.h): what is said of it, and who has it open,
 * which cannot be written into its lock.  It refuses every change before it is begun. */
#pragma once

#include "base/bytes.h"
#include "kit/message.h"

/* EMR_READ_ONLY, with the sentence, when the disk of FD takes nothing. */
emr_status emr_still_refuse(int fd, emr_problem *out_problem);
/* The sentence alone; FD is the state or its blocks. */
void emr_still_say(int fd, emr_problem *out_problem);

/* TEXT is what would stand in the lock.  Without a runtime directory nobody finds the open folder's
 * socket. */
emr_status emr_still_note(int state_fd, const char *text);
/* Appends it to OUT; EMR_NOT_FOUND. */
emr_status emr_still_read(int state_fd, size_t max, emr_buf *out);
void emr_still_forget(int state_fd);
