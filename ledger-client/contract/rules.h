/* One row of facts and functions for each operation that this version serves: a new operation is a
 * new row here. The table decides no order of checks: that is apply.c's. */
#pragma once

#include "contract/contract.h"

struct judge;

typedef enum domain_rule {
	DOMAIN_NONE,   /* domain_id is zero */
	DOMAIN_FREE,   /* named, and need not exist */
	DOMAIN_LIVES,  /* named and live */
	DOMAIN_EITHER, /* zero, or named and live */
} domain_rule;

typedef enum epoch_rule {
	EPOCH_ZERO,
	EPOCH_FIRST,
	EPOCH_NEXT,
	EPOCH_CURRENT,
} epoch_rule;

/* Rows that the item's bytes name beside the operation's own. */
enum need {
	NEED_DOMAIN = 1,
	NEED_SIGNER = 2,     /* K of the signer, and W of the signer where a domain is named */
	NEED_LISTKEY = 4,    /* L of (signer, epoch) */
	NEED_ORG = 8,	     /* M of the public part's org */
	NEED_REF = 16,	     /* K of the public part's ref */
	NEED_PART_HASH = 32, /* what the host holds of the named part */
};

typedef struct op_rule {
	uint8_t op;
	uint16_t flags; /* allowed */
	domain_rule domain;
	epoch_rule epoch;
	uint32_t part_min, part_max, part_step;
	uint8_t reserved_at, reserved_len; /* bytes of the public part that are zero */
	uint16_t needs;
	/* The key of the row that the operation moves; false when it moves none.  NULL = false. */
	bool (*row_key)(const emr_item *item, emr_span pub, emr_key_text *out);
	/* The checks, each APPLIED or a refusal; NULL = nothing to check. */
	emr_result (*form)(struct judge *judge);      /* FORMAT */
	emr_result (*authority)(struct judge *judge); /* NOT_AUTHORISED */
	emr_result (*state)(struct judge *judge);     /* GONE, EXISTS */
	emr_result (*last)(struct judge *judge); /* KEY_DEAD, LIMIT and what else comes after */
	void (*write)(struct judge *judge);
	/* Family and version for the i row; false when the operation has none.  NULL: family of the
	 * op, version of the item. */
	bool (*place)(const struct judge *judge, uint8_t *out_family, uint64_t *out_version);
} op_rule;

/* NULL when this version does not serve OP. */
const op_rule *emr_rule_of(uint8_t op);

extern const op_rule emr_rules_key[2];
extern const op_rule emr_rules_domain[3];
extern const op_rule emr_rules_object[4];
extern const op_rule emr_rules_part[2];
