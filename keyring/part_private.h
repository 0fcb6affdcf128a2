/* This is what the private parts of sharing have in common: they begin with a salt, belong to
 * one item, and carry letters (HPKE) bound to that item's head and public part. */
#pragma once

#include "keyring/card.h"
#include "base/bytes.h"
#include "base/codec.h"
#include "base/id.h"
#include "keyring/held.h"

#define EMR_PART_ITEM_BYTES 160
#define EMR_PART_HEAD_BYTES 124 /* head124: what letters are bound to */
#define EMR_PART_PUB_MAX 288
#define EMR_PART_SALT_BYTES 32
#define EMR_LETTER_OVERHEAD 48
#define EMR_LETTER_UNIT 512 /* letters in the clear are zeros to a multiple of this */

/* Operations whose parts are made here, and the length of their public parts (the numbers of the
 * ledger's wire format). */
typedef enum emr_part_op {
	EMR_PART_EPOCH = 0x11,
	EMR_PART_WRITER_ADD = 0x13,
	EMR_PART_GRANT = 0x30,
	EMR_PART_KFRAGS = 0x32,
	EMR_PART_REQUEST = 0x40,
	EMR_PART_DENY = 0x42,
	EMR_PART_ACCESS_REQ = 0x48,
	EMR_PART_ACCESS_SERVED = 0x49,
	EMR_PART_READ_REPORT = 0x4a,
	EMR_PART_EMERGENCY = 0x4b,
	EMR_PART_DATASET_ADMIT = 0x52,
	EMR_PART_TRUSTEE_SET = 0x68,
} emr_part_op;

/* An encoded item, taken apart; borrows from the bytes. */
typedef struct emr_part_item {
	const uint8_t *head; /* 160 bytes */
	emr_bytes pub;
	emr_id16 domain_id;
	emr_id16 object_id;
	emr_id32 signer_id;
	uint64_t time_unix_s;
	uint32_t epoch;
} emr_part_item;

/* ITEM is 160 bytes and the public part of OP: EMR_DAMAGED when it is not. */
emr_status emr_part_item_read(emr_bytes item, emr_part_op op, emr_part_item *out);
/* The same, and PART is the one whose length and hash stand in the item; OUT_READER stands behind
 * the salt.  EMR_DAMAGED. */
emr_status emr_part_open(
	emr_bytes item, emr_part_op op, emr_bytes part, emr_part_item *out, emr_reader *out_reader);
/* 32 random bytes at the end of the buffer. */
void emr_part_write_salt(emr_writer *w);
/* Zeros until what was written since START is a multiple of 512 and not empty. */
void emr_part_write_padding(emr_writer *w, size_t start);

/* Marks the reader bad unless all that is left is zeros, fewer than 512 of them, and TOTAL is a
 * multiple of 512. */
void emr_part_read_padding(emr_reader *r, size_t total);

/* A letter to PK at the end of the buffer: AAD = head124 || pub || SUFFIX (at most 32 bytes). */
emr_status emr_part_letter_seal(const emr_part_item *item, const char *info, emr_bytes suffix,
	const uint8_t pk[32], emr_bytes plain, emr_writer *w);
/* OUT gets letter.len - 48 bytes. */
emr_status emr_part_letter_open(const emr_part_item *item, const char *info, emr_bytes suffix,
	const emr_box_key *key, emr_bytes letter, uint8_t *out);

/* A letter in the clear that holds keys: locked where allowed, guarded, wiped. */
typedef struct emr_vault {
	uint8_t *data;
	size_t len;
} emr_vault;

emr_status emr_vault_new(size_t len, emr_vault *out);
void emr_vault_free(emr_vault *vault);
#define EMR_AUTO_VAULT __attribute__((cleanup(emr_vault_free))) emr_vault

/* Cheap checks of text, beside emr_text_ok (text.c). */
/* Begins and ends with no blank of Unicode, none of which is seen there. */
bool emr_text_is_trimmed(const char *text, size_t len);
