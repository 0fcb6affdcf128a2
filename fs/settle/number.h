/* This tells to which record an object's content belongs (number.c). */
#pragma once

#include "whose_private.h"

/* SAID is the number that the content of (DOMAIN, OBJECT) names; *OUT is that which is believed: of
 * a row that the owner began, that of its first content (she may have moved the record there); of
 * any other row, its object. */
emr_status facts_number(
	emr_facts *facts, emr_id16 domain, emr_id16 object, emr_id16 said, emr_id16 *out);
