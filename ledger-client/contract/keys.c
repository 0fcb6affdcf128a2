/* This file makes the text keys under which the rows of the ledger's state stand. */
#include "contract/quota.h"
#include "contract/rows_share.h"

#include "bytes.h"

/* Text under construction; every key below fits EMR_KEY_TEXT_BYTES by the sizes of its parts. */
static char *put_text(char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len + 1);
	return at + len;
}

static char *put_hex(char *at, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	*at++ = '/';
	for (size_t i = 0; i < len; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 15];
	}
	*at = '\0';
	return at;
}

static void key_of_id(const char *letters, const uint8_t *id, size_t len, emr_key_text *out)
{
	put_hex(put_text(out->text, letters), id, len);
}

void emr_key_network(emr_key_text *out)
{
	put_text(out->text, "N");
}

void emr_key_org(const uint8_t org[16], emr_key_text *out)
{
	key_of_id("M", org, 16, out);
}

void emr_key_signer(const uint8_t signer[32], emr_key_text *out)
{
	key_of_id("K", signer, 32, out);
}

void emr_key_domain(const uint8_t dom[16], emr_key_text *out)
{
	key_of_id("D", dom, 16, out);
}

void emr_key_batch(const uint8_t batch_id[32], emr_key_text *out)
{
	key_of_id("b", batch_id, 32, out);
}

void emr_key_head(const uint8_t dom[16], emr_key_text *out)
{
	key_of_id("c", dom, 16, out);
}

void emr_key_epoch(const uint8_t dom[16], uint32_t epoch, emr_key_text *out)
{
	uint8_t number[4];

	put_u32(number, epoch);
	put_hex(put_hex(put_text(out->text, "E"), dom, 16), number, 4);
}

void emr_key_in_domain(
	const char *letters, const uint8_t dom[16], const uint8_t object[16], emr_key_text *out)
{
	put_hex(put_hex(put_text(out->text, letters), dom, 16), object, 16);
}

void emr_key_by_object(const char *letters, const uint8_t object[16], emr_key_text *out)
{
	key_of_id(letters, object, 16, out);
}

void emr_key_writer(const uint8_t dom[16], const uint8_t writer[32], emr_key_text *out)
{
	emr_key_in_domain("W", dom, writer, out);
}

void emr_key_listkey(const uint8_t dom[16], const uint8_t object[16], emr_key_text *out)
{
	emr_key_in_domain("L", dom, object, out);
}

void emr_key_object(const uint8_t dom[16], const uint8_t object[16], emr_key_text *out)
{
	emr_key_in_domain("O", dom, object, out);
}

void emr_key_grant(const uint8_t dom[16], const uint8_t grant[16], emr_key_text *out)
{
	emr_key_in_domain("G", dom, grant, out);
}

static void key_of_version(const char *letter, uint8_t family, const uint8_t dom[16],
	const uint8_t object[16], uint64_t version, emr_key_text *out)
{
	uint8_t number[8];
	char *at;

	put_u64(number, version);
	at = put_hex(put_text(out->text, letter), &family, 1);
	put_hex(put_hex(put_hex(at, dom, 16), object, 16), number, 8);
}

void emr_key_place(uint8_t family, const uint8_t dom[16], const uint8_t object[16],
	uint64_t version, emr_key_text *out)
{
	key_of_version("i", family, dom, object, version, out);
}

void emr_key_part(uint8_t family, const uint8_t dom[16], const uint8_t object[16], uint64_t version,
	emr_key_text *out)
{
	key_of_version("p", family, dom, object, version, out);
}

void emr_key_certificate(const uint8_t org[16], const uint8_t ref[32], emr_key_text *out)
{
	put_hex(put_hex(put_text(out->text, "KC"), org, 16), ref, 32);
}

void emr_key_enrolment(const uint8_t org[16], const uint8_t enrolment[32], emr_key_text *out)
{
	put_hex(put_hex(put_text(out->text, "KE"), org, 16), enrolment, 32);
}

void emr_key_host(const uint8_t org[16], emr_key_text *out)
{
	key_of_id("MH", org, 16, out);
}

void emr_key_proposal(const uint8_t proposal[16], emr_key_text *out)
{
	key_of_id("P", proposal, 16, out);
}

void emr_key_approval(const uint8_t proposal[16], const uint8_t org[16], emr_key_text *out)
{
	emr_key_in_domain("PA", proposal, org, out);
}

void emr_key_account(const uint8_t account[32], emr_key_text *out)
{
	key_of_id("A", account, 32, out);
}

void emr_key_index(
	const uint8_t who[32], const uint8_t dom[16], const uint8_t object[16], emr_key_text *out)
{
	put_hex(put_hex(put_hex(put_text(out->text, "gx"), who, 32), dom, 16), object, 16);
}

void emr_key_quota(const uint8_t account[32], uint8_t place, emr_key_text *out)
{
	put_hex(put_hex(put_text(out->text, "U"), account, 32), &place, 1);
}
