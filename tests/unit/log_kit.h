/* This kit is Ana's folder with the people around it, and the entries that its log has. */
#pragma once

#include "story_kit.h"

#include <jansson.h>

#include "report/deeds.h"

/* One for all tests of a program. */
extern story s;
extern emr_session session;
int log_begin(void **state);
int log_end(void **state);

/* All entries as JSON, owned by the caller. */
json_t *entries(const emr_deeds_wish *wish);
size_t count(const emr_deeds_wish *wish);
/* The N-th entry with ACTION, or NULL. */
const json_t *nth(const json_t *all, const char *action, size_t n);
const char *text_of(const json_t *entry, const char *name);
