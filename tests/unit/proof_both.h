/* The two programs that check a proof are asked for the step that fails: emrfs, and
 * examples/verify-audit, which shares no code with it. */
#pragma once

#include "emr_test.h"

void both_write(const char *path, emr_bytes bytes);
/* The name of the step, "" when nothing fails.  COPY is the path of the document, or NULL. */
const char *both_emrfs(emr_bytes proof, const char *copy);
/* PROOF is written to PATH, and both of them say WANTED. */
void both_say_at(const char *path, emr_bytes proof, const char *copy, const char *wanted);
