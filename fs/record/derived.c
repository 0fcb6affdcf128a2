/* This file makes the commitment and the hash of rules that the statement of a copy for research
 * has, and the mark of a file that is to get such a statement. */
#include "record/derived.h"

#include <string.h>

#include "base/codec.h"
#include "crypto/hashsig.h"
#include "crypto/kdf.h"
#include "record/format.h"

#define DOC_START "derived:"

/* LABEL with its NUL, record and version. */
static void keyed(emr_bytes key, const char *label, emr_id16 record, uint64_t cver, uint8_t out[32])
{
	uint8_t message[64];
	size_t len = strlen(label) + 1;

	memcpy(message, label, len);
	memcpy(message + len, record.b, sizeof record.b);
	emr_put_u64(message + len + sizeof record.b, cver);
	emr_hmac_sha256(key, emr_bytes_of(message, len + sizeof record.b + 8), out);
}

void emr_derived_opening(
	const emr_secret *secret, emr_id16 record, uint64_t cver, uint8_t out_key[32])
{
	keyed(emr_bytes_of(secret->data, secret->len), "emrfs/v1/derived-key", record, cver,
		out_key);
}

void emr_derived_source(const uint8_t key[32], emr_id16 record, uint64_t cver, uint8_t out[32])
{
	keyed(emr_bytes_of(key, 32), "emrfs/v1/derived", record, cver, out);
}

void emr_derived_rules(const char *table, emr_id32 terms, uint8_t out[32])
{
	static const char label[] = "emrfs/v1/rules"; /* with its NUL */
	uint8_t message[sizeof label + 1 + 255 + sizeof terms.b];
	size_t len = strnlen(table, 255);

	memcpy(message, label, sizeof label);
	message[sizeof label] = (uint8_t)len;
	memcpy(message + sizeof label + 1, table, len);
	memcpy(message + sizeof label + 1 + len, terms.b, sizeof terms.b);
	emr_sha256(message, sizeof label + 1 + len + sizeof terms.b, out);
}

/* ---- the document type ---- */

void emr_derived_doc(const uint8_t rules[32], char out[EMR_DERIVED_DOC_BYTES + 1])
{
	memcpy(out, DOC_START, strlen(DOC_START));
	emr_hex(rules, 32, out + strlen(DOC_START));
}

bool emr_derived_doc_read(emr_bytes doc, uint8_t out_rules[32])
{
	char text[EMR_DERIVED_DOC_BYTES + 1] = "", again[EMR_DERIVED_DOC_BYTES + 1];
	uint8_t rules[32];

	if (doc.len != EMR_DERIVED_DOC_BYTES)
		return false;
	memcpy(text, doc.data, doc.len);
	if (memcmp(text, DOC_START, strlen(DOC_START)) != 0 ||
		emr_unhex(text + strlen(DOC_START), rules, sizeof rules) != EMR_OK)
		return false;
	emr_derived_doc(rules, again); /* one spelling */
	if (memcmp(again, text, sizeof again) != 0)
		return false;
	memcpy(out_rules, rules, sizeof rules);
	return true;
}

/* ---- the mark ---- */

void emr_derived_mark(
	const emr_derivation *from, int64_t mtime_ns, uint8_t out[EMR_DERIVED_MARK_BYTES])
{
	memcpy(out, from->source, 32);
	memcpy(out + 32, from->rules, 32);
	emr_put_u64(out + 64, (uint64_t)mtime_ns);
}

bool emr_derived_mark_read(emr_bytes xattrs, int64_t mtime_ns, emr_derivation *out)
{
	emr_bytes mark;

	if (emr_xattr_find(xattrs, emr_bytes_of(EMR_DERIVED_KEY, strlen(EMR_DERIVED_KEY)), &mark) !=
			EMR_OK ||
		mark.len != EMR_DERIVED_MARK_BYTES ||
		(int64_t)emr_get_u64(mark.data + 64) != mtime_ns)
		return false;
	memcpy(out->source, mark.data, 32);
	memcpy(out->rules, mark.data + 32, 32);
	return true;
}

bool emr_derived_sum_read(emr_bytes xattrs, int64_t mtime_ns, uint8_t out[32])
{
	emr_derivation from;
	emr_bytes sum;

	if (!emr_derived_mark_read(xattrs, mtime_ns, &from) ||
		emr_xattr_find(xattrs,
			emr_bytes_of(EMR_DERIVED_SUM_KEY, strlen(EMR_DERIVED_SUM_KEY)),
			&sum) != EMR_OK ||
		sum.len != 32)
		return false;
	memcpy(out, sum.data, 32);
	return true;
}
