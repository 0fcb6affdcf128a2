/* An item of a batch as the choices of a fuzzer say, with what must follow from other fields put
 * right when they say so. It judges nothing. */
#pragma once

#include "contract/item.h"
#include "contract/pubs.h"

#define CHOICES 24 /* bytes that choose one item; the public part repeats them */
#define NOW 1700000000u

emr_item chosen_item(const uint8_t *choice, uint8_t op, const uint8_t signer_id[32]);
/* A public part that repeats the choices, with what must follow from other fields put right when
 * the choices say so: otherwise no chance would find a hash. */
void chosen_pub(const uint8_t *choice, const uint8_t signer_id[32], emr_item *item,
	uint8_t pub[EMR_PUB_MAX]);
