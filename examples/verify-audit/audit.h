/* This header declares what the files of verify-audit have in common: limits, bytes that know
 * their length, what was read of the proof, and the functions that more than one of them calls.
 * It refuses nothing by itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

enum {
	FILE_MAX = 1 << 20,
	EXTRA_MAX = (512 << 10) - 8192,
	NOTE_MAX = 16384,
	PATH_MAX_HASHES = 64,
	PARTS_MAX = 136,
	FIRST_PARTS_MAX = 24, /* in format 1 */
	SECOND_PARTS_MAX = 112,
	LINKS_MAX = 4, /* of a certificate chain: two between the first and the CA */
	KEYS_MAX = 24,
	ADMISSIONS_MAX = 8,
	APPROVALS_MAX = 32,
	SLOTS_MAX = 1024,
	SIGS_MAX = 64,
	ITEMS_MAX = 1024,
	CERTIFICATE_MAX = 4096,
	SEGMENT = 1 << 18,
};

typedef struct bytes {
	const uint8_t *at;
	size_t len;
} bytes;

typedef struct hash {
	uint8_t b[32];
} hash;

typedef struct part {
	uint8_t type;
	bytes data;
} part;

typedef struct proof {
	uint64_t index;
	bytes note;
	uint8_t log_path[PATH_MAX_HASHES * 32];
	size_t log_path_len;
	uint16_t item_index;
	bytes entry, item, item_path, priv;
	size_t n_parts;
	part parts[PARTS_MAX];
	struct proof *next; /* of those that are kept */
} proof;

typedef struct signature {
	char name[17];
	uint8_t bytes[76]; /* key id, time, signature */
} signature;

typedef struct checkpoint {
	uint8_t net[16];
	char net_text[33];
	uint64_t size;
	uint8_t root[32];
	bytes body; /* its first three lines, as they were signed */
	size_t n_sigs;
	signature sigs[SIGS_MAX];
} checkpoint;

/* An organisation that came in later. */
typedef struct admission {
	const uint8_t *org;
	uint64_t seq; /* of the last approval */
	bytes ca, name;
} admission;

typedef struct key {
	hash id; /* SHA-256 of pk */
	const uint8_t *pk;
	const uint8_t
		*pub; /* KEY_REG's public part, 288 bytes: its own, or of the first before it */
	const uint8_t *log_pk;
	struct key *before; /* which it followed */
	X509 *certificate;
	const admission
		*by; /* with whose CA it leads to the network; NULL: one of the description */
	char name[65];
	hash ref;
} key;

typedef struct audit {
	proof p;
	proof *nested;	    /* all that were read; they stay until the program ends */
	bool is_of_channel; /* of Fabric */
	checkpoint head;
	uint64_t ledger_time;
	key keys[KEYS_MAX];
	size_t n_keys;
	uint64_t key_seqs[KEYS_MAX];
	admission admissions[ADMISSIONS_MAX];
	size_t n_admissions;
	const uint8_t *statement; /* 320 bytes and 64 */
} audit;

typedef struct tree {
	uint64_t size;
	hash level[64]; /* complete subtrees, where a bit of size is 1 */
} tree;

/* ---- basic.c ---- */
void failed(const char *check, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
void shown(const char *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
void no_memory(void);
uint64_t number(const uint8_t *at, int width);
bool all_zero(const uint8_t *at, size_t len);
bool same(bytes a, bytes b);
void hex(const uint8_t *at, size_t len, char *out);
bytes take(bytes *rest, size_t len, const char *check, const char *what);
hash sha256(const bytes *pieces, size_t count);
hash hash_of(bytes data);
hash labelled(const char *label, size_t label_len, bytes data);
hash leaf_of(bytes data);
hash node_of(hash left, hash right);
bool hash_equals(hash a, const uint8_t b[32]);
bool is_included(hash leaf, uint64_t index, uint64_t size, bytes path, const uint8_t root[32]);
bool ed25519_fits(const uint8_t pk[32], bytes label, bytes message, const uint8_t sig[64]);
bool p256_fits(EVP_PKEY *public_key, bytes message, const uint8_t sig[64]);
bool unbase64(bytes text, uint8_t *out, size_t *out_len);

/* ---- file.c ---- */
void read_proof(bytes file, proof *p, const char *check);
bytes part_of(const proof *p, uint8_t type, size_t n);
void read_checkpoint(bytes note, checkpoint *c);

/* ---- people.c ---- */
const char *entry_trouble(bytes entry);
const char *item_trouble(bytes item);
bool entry_is_in_log(const proof *p, const checkpoint *c);
bool item_is_in_batch(const proof *p);
bool batch_is_signed(const proof *p);
key *key_of(audit *a, const uint8_t id[32]);
const key *first_of(const key *k); /* of the keys that followed one another */
proof *check_nested(
	audit *a, bytes file, uint8_t op, size_t pub, const char *check, const char *what);
void check_key(audit *a, bytes file);
void check_followed(audit *a, bytes file);
bool is_of_channel(bytes descriptor); /* the network is one of Fabric */
bytes ca_of(bytes descriptor, const uint8_t org[16], bytes *out_name);
void check_admissions(audit *a);
void name_of(const audit *a, const key *k, char out[256]);
void check_certificate(audit *a, key *k);

/* ---- ledger.c ---- */
void check_format(audit *a);
void check_network(audit *a, const char *wanted);
void check_log_path(audit *a);
void check_keys(audit *a);
void check_checkpoint(audit *a);
void check_entry_and_batch(audit *a);
void check_item(audit *a);

/* ---- record.c ---- */
void check_private_part(audit *a);
void check_content(audit *a);
key *owner_of(audit *a, const uint8_t dom_id[32], const uint8_t **out_card);
void say_time(uint64_t unix_s, char out[32]);
void check_statement(audit *a);
void check_owner_and_patient(audit *a);
void check_type(audit *a);
void check_copy(audit *a, const char *path);
