/* State rows: the printable keys under which both hosts keep them, and what their values mean.
 * It refuses values of another length or family; it never guesses at a row it does not know.
 * All functions are pure and thread-safe. */
#pragma once

#include "contract/item.h"

#define EMR_KEY_TEXT_BYTES 136 /* room for the longest key and its NUL */
#define EMR_ROW_HEAD_BYTES 48
#define EMR_ROW_KEY_BYTES 344
#define EMR_ROW_ORG_BYTES 112
#define EMR_ROW_NETWORK_BYTES 88
#define EMR_ROW_DOMAIN_BYTES 144
#define EMR_ROW_EPOCH_BYTES 80
#define EMR_ROW_WRITER_BYTES 96
#define EMR_ROW_LISTKEY_BYTES 80
#define EMR_ROW_OBJECT_BYTES 120
#define EMR_ROW_GRANT_BYTES 152
#define EMR_ROW_PLACE_BYTES 34

/* A field of bytes of a fixed length: the tables of rows, also for whoever reads them by SQL. */
typedef struct emr_field {
	const char *name;
	uint16_t at, member; /* where it stands: in the bytes, and in the struct */
	uint8_t size;	     /* 0: the end of a table */
	bool is_number;	     /* big-endian in the bytes */
} emr_field;

/* A key as text: letters, '/', lower-case hex of ids and of numbers in their full width.
 * NUL-terminated. */
typedef struct emr_key_text {
	char text[EMR_KEY_TEXT_BYTES];
} emr_key_text;

void emr_key_network(emr_key_text *out);				      /* N */
void emr_key_org(const uint8_t org[16], emr_key_text *out);		      /* M/org */
void emr_key_signer(const uint8_t signer[32], emr_key_text *out);	      /* K/signer */
void emr_key_domain(const uint8_t dom[16], emr_key_text *out);		      /* D/dom */
void emr_key_epoch(const uint8_t dom[16], uint32_t epoch, emr_key_text *out); /* E/dom/epoch */
/* W, L, O, G, H, Y, X, S, R, Q or J: LETTERS/dom/object */
void emr_key_in_domain(
	const char *letters, const uint8_t dom[16], const uint8_t object[16], emr_key_text *out);
/* DS, SN, TR or RQ: LETTERS/object */
void emr_key_by_object(const char *letters, const uint8_t object[16], emr_key_text *out);
void emr_key_writer(const uint8_t dom[16], const uint8_t writer[32], emr_key_text *out);
void emr_key_listkey(const uint8_t dom[16], const uint8_t object[16], emr_key_text *out);
void emr_key_object(const uint8_t dom[16], const uint8_t object[16], emr_key_text *out);
void emr_key_grant(const uint8_t dom[16], const uint8_t grant[16], emr_key_text *out);
/* i/fam/dom/object/version: where an item stands */
void emr_key_place(uint8_t family, const uint8_t dom[16], const uint8_t object[16],
	uint64_t version, emr_key_text *out);
void emr_key_batch(const uint8_t batch_id[32], emr_key_text *out); /* b/batch */
void emr_key_head(const uint8_t dom[16], emr_key_text *out); /* c/dom: the last batch of a domain */
/* p/fam/dom/object/version: a private part */
void emr_key_part(uint8_t family, const uint8_t dom[16], const uint8_t object[16], uint64_t version,
	emr_key_text *out);

/* The fields with which every row of a family begins. */
typedef struct emr_row_head {
	uint8_t family;
	uint8_t state;
	uint16_t flags;
	uint32_t epoch;
	uint64_t version;
	uint8_t item[32]; /* the item that last moved the row */
} emr_row_head;

typedef struct emr_row_key {
	emr_row_head head;
	uint8_t pk[32];
	uint16_t roles;
	uint8_t how;
	uint8_t org[16];
	uint8_t x25519[32];
	uint8_t B[32];
	uint8_t log_pk[32];
	uint8_t ref[32];
	uint64_t not_after_unix_s;
	uint64_t invalid_since_unix_s;
	uint8_t next[32]; /* of a rotated key; of a device in force the certificate it named last */
	uint8_t root[32]; /* first id of the rotation chain */
	uint8_t account[32]; /* whose quota: the enrolment in the person's certificate */
} emr_row_key;

typedef struct emr_row_org {
	emr_row_head head;
	uint8_t admin_id[32];
	uint8_t ca_hash[32];
} emr_row_org;

typedef struct emr_row_network {
	emr_row_head head;
	uint8_t quorum;
	uint8_t norg;
	uint32_t contract;
	uint8_t rules[32];
} emr_row_network;

typedef struct emr_row_domain {
	emr_row_head head; /* flags: EMR_ITEM_INBOX; epoch: the current one */
	uint8_t owner_pk[32];
	uint8_t box[32];
	uint8_t A[32];
} emr_row_domain;

typedef struct emr_row_epoch {
	emr_row_head head;
	uint8_t A[32];
} emr_row_epoch;

typedef struct emr_row_writer {
	emr_row_head head;
	uint8_t writer[32];
	uint16_t rights;
	uint64_t not_after_unix_s;
} emr_row_writer;

typedef struct emr_row_listkey {
	emr_row_head head;
	uint8_t signer[32];
} emr_row_listkey;

typedef struct emr_row_object {
	emr_row_head head; /* flags: EMR_ITEM_NOCONTENT; epoch: of pitem, without content of the
			      last META */
	uint8_t creator[32];
	uint64_t pversion; /* item version and id of the last PUT or REWRAP, zero without content */
	uint8_t pitem[32];
} emr_row_object;

typedef struct emr_row_grant {
	emr_row_head head;
	uint8_t grantee[32];
	uint64_t not_before_unix_s;
	uint64_t not_after_unix_s;
	uint64_t from_time_unix_s;
	uint32_t purposes;
	uint16_t rights;
	uint8_t t;
	uint8_t n;
	uint64_t kver;
	uint8_t kitem[32];
} emr_row_grant;

/* Value of an i/ row. */
typedef struct emr_row_place {
	uint8_t batch_id[32];
	uint16_t index;
} emr_row_place;

/* Value of a b/ row: header || results || items and public parts, cut into its three parts. */
typedef struct emr_row_batch {
	emr_span header;
	emr_span results;
	emr_span items;
} emr_row_batch;

const emr_field *emr_row_head_fields(void);

/* All: EMR_CONTRACT_STATE for another length, family or impossible state. */
EMR_CONTRACT_MUST_CHECK emr_contract_status emr_row_head_parse(emr_span value, emr_row_head *out);
EMR_CONTRACT_MUST_CHECK emr_contract_status emr_row_place_parse(emr_span value, emr_row_place *out);
EMR_CONTRACT_MUST_CHECK emr_contract_status emr_row_batch_parse(emr_span value, emr_row_batch *out);

/* emr_row_NAME_fields() is its table, but for the head; emr_row_NAME_parse() reads a row, with
 * refusals as above; emr_row_NAME_encode() gives the same bytes back. Rows that no served operation
 * writes yet (writer, grant) are made by tests. */
#define EMR_ROW(name, len)                                                                         \
	const emr_field *emr_row_##name##_fields(void);                                            \
	EMR_CONTRACT_MUST_CHECK emr_contract_status emr_row_##name##_parse(                        \
		emr_span value, emr_row_##name *out);                                              \
	void emr_row_##name##_encode(const emr_row_##name *row, uint8_t out[len])

EMR_ROW(key, EMR_ROW_KEY_BYTES);
EMR_ROW(org, EMR_ROW_ORG_BYTES);
EMR_ROW(network, EMR_ROW_NETWORK_BYTES);
EMR_ROW(domain, EMR_ROW_DOMAIN_BYTES);
EMR_ROW(epoch, EMR_ROW_EPOCH_BYTES);
EMR_ROW(writer, EMR_ROW_WRITER_BYTES);
EMR_ROW(listkey, EMR_ROW_LISTKEY_BYTES);
EMR_ROW(object, EMR_ROW_OBJECT_BYTES);
EMR_ROW(grant, EMR_ROW_GRANT_BYTES);
