/* These functions read members of JSON objects in the answers of other programs of emrfs. A member
 * that is missing or of another type reads as empty. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* "" when it is none; OBJECT's. */
const char *emr_json_text_at(const json_t *object, const char *name);
/* 0 when it is none, or below. */
uint64_t emr_json_number_at(const json_t *object, const char *name);
bool emr_json_flag_at(const json_t *object, const char *name);
/* As emr_time_json; null for 0, which is no time.  NULL without memory. */
json_t *emr_json_time(uint64_t unix_s);
/* OBJECT's; it gets an empty one when it has none. */
json_t *emr_json_list_at(json_t *object, const char *name);
