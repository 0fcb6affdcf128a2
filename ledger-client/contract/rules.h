/* This table has one row of facts and functions for each operation that this version serves: a
 * new operation is a new row here. Behind it stands what the rules of one kind share with those
 * of another: grants, datasets, points. The table decides no order of checks: that is in
 * apply.c. None of them reads a row that was not declared. */
#pragma once

#include "contract/contract.h"
#include "contract/rows_share.h"

#include "judge.h"

struct judge;
struct key_set;

/* Bytes of an HPKE letter (encapsulated key and tag) without what is sealed in it. */
#define EMR_HPKE_BYTES 48
/* A private part that is a salt and one letter whose content is padded to K times 512 bytes. */
#define EMR_SEALED_PART(k) (32 + EMR_HPKE_BYTES + 512 * (k))

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
	NEED_REF = 16,	     /* K of the public part's ref, KC and KE of the caller's certificate */
	NEED_PART_HASH = 32, /* what the item at the named place says of its part */
};

/* Where a row stands: letters, and behind them ids of an item.  Letters NULL: nowhere. */
typedef struct row_place {
	const char *letters;
	enum { KEYED_BY_DOMAIN, KEYED_BY_SIGNER, KEYED_IN_DOMAIN, KEYED_BY_OBJECT } keyed;
} row_place;
bool emr_row_place_key(const row_place *place, const emr_item *item, emr_key_text *out);

typedef struct op_rule {
	uint8_t op;
	uint16_t flags;	    /* allowed */
	domain_rule domain; /* not said: DOMAIN_NONE */
	epoch_rule epoch;   /* not said: EPOCH_ZERO */
	uint32_t part_min, part_max, part_step;
	uint8_t reserved_at, reserved_len; /* bytes of the public part that are zero */
	uint16_t needs;
	/* It continues no row, and makes rows under ids that nobody had before: version 1, prev 0.
	 */
	bool makes_new;
	/* The row that the operation moves, or a function that makes its key; false when it moves
	 * none. */
	row_place row;
	bool (*row_key)(const emr_item *item, emr_span pub, emr_key_text *out);
	/* Further rows that the item's bytes name, and in the second pass those that these point
	 * to.  A row that an earlier item of the same batch may write is not there to be followed
	 * yet: what it will point to is then named by that earlier item's own rule.  NULL = none.
	 */
	void (*names)(struct key_set *set, const emr_item *item, emr_span pub);
	void (*follows)(struct key_set *set, const emr_item *item, emr_span pub);
	/* The chain that version and prev follow, where it is not that of the row's head (in
	 * judge->head).  NULL = the row's head. */
	void (*chain)(struct judge *judge);
	/* Does a private part of this length fit what the public part and the row say?  NULL = the
	 * three numbers above say all. */
	bool (*part_fits)(struct judge *judge);
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
/* The key of the row that ITEM moves by RULE; false: it moves none. */
bool emr_rule_row_key(
	const op_rule *rule, const emr_item *item, emr_span pub, emr_key_text *out_key);

extern const op_rule emr_rules_key[2];
extern const op_rule emr_rules_key_change[6];
extern const op_rule emr_rules_org[2];
extern const op_rule emr_rules_domain[4];
extern const op_rule emr_rules_writer[2];
extern const op_rule emr_rules_object[4];
extern const op_rule emr_rules_part[2];
extern const op_rule emr_rules_grant[5];
extern const op_rule emr_rules_request[4];
extern const op_rule emr_rules_access[3];
extern const op_rule emr_rules_dataset[4];
extern const op_rule emr_rules_join[3];
extern const op_rule emr_rules_points[2];
extern const op_rule emr_rules_trustees[4];
extern const op_rule emr_rules_emergency[1];

/* ---- rules_access.c ---- */

/* Rows that say whether the signer of ITEM is the grantee of GRANT, as a member of VIA or not. */
void emr_declare_grantee(
	struct key_set *set, const emr_item *item, const uint8_t grant[16], const uint8_t via[16]);
void emr_declare_member_of_signer(struct key_set *set, const emr_item *item, const uint8_t via[16]);
/* The grantee (any key of that chain), or a member of the team or dataset VIA, which MAY_BE_OVER.
 */
bool emr_judge_is_grantee(
	struct judge *judge, const emr_row_grant *grant, const uint8_t via[16], bool may_be_over);

/* ---- rules_dataset.c ---- */
/* This header declares what the rules of datasets share with those of joining and of points. It
 * refuses to read a dataset that was not declared. */

/* False when the dataset is absent. */
bool emr_judge_dataset(struct judge *judge, const uint8_t dataset[16], emr_row_dataset *out_row);

/* ---- rules_grant.c ---- */
/* This header declares what the rules of grants share with those of requests and releases. It
 * refuses to read a grant that was not declared. */

/* False when the grant is absent. */
bool emr_judge_grant(struct judge *judge, const uint8_t domain[16], const uint8_t grant[16],
	emr_row_grant *out_row);
/* GRANT_DEAD when it is revoked, not yet in force, or over at the ledger's time. */
emr_result emr_judge_grant_in_force(const struct judge *judge, const emr_row_grant *grant);
/* Ends GRANT, whose row is ROW with its new head already, and the fragments of it. */
void emr_judge_revoke(struct judge *judge, const uint8_t grant[16], const emr_row_grant *row);
/* Writes the row LETTERS/domain/object that says no more than who signed the item. */
void emr_judge_put_signed(struct judge *judge, uint8_t family);

/* ---- rules_points.c ---- */
/* Accounts, for the rules of points and of joining a dataset.  It refuses to read a row that was
 * not declared. */

struct key_set;

/* The rows of ACCOUNT, a person's or the fund of a dataset. */
void emr_declare_account(struct key_set *set, const uint8_t account[32]);
/* Is ACCOUNT a person's: the first key of a chain?  Under a later one nobody would find points. */
bool emr_judge_is_account(struct judge *judge, const uint8_t account[32]);
/* Are there POINTS in FROM, and room for them in TO, another account? */
bool emr_judge_can_pay(
	struct judge *judge, const uint8_t from[32], const uint8_t to[32], uint64_t points);
void emr_judge_pay(
	struct judge *judge, const uint8_t from[32], const uint8_t to[32], uint64_t points);
