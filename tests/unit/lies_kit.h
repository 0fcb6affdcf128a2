/* A writer's computer that lies about who signed: one statement is remembered as it is made, with
 * its bundle and key, and the next PUT carries it instead of its own; or the statement is made with
 * the key of a folder of the writer's, as its owner's own are. Needs the wraps that writing.cmake
 * links test_story_lies with. */
#pragma once

#include <stdint.h>

#include "base/id.h"

void lies_remember(void);	     /* from now on: what is made */
void lies_bring_again(void);	     /* the next PUT; once */
void lies_sign_for(emr_id16 domain); /* from now on: with the key of DOMAIN, his, naming nobody */
void lies_end(void);		     /* builds as usual again */
void lies_forget(void);
/* The number of its patient's, 32 bytes. */
const uint8_t *lies_r_pid(void);
