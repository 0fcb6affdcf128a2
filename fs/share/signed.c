/* This file decides whose word a version is: it checks the signature, the key on the ledger, and
 * the certificate of the organisation, each at the time when the version came. It shows no name
 * that is written to look like another one. */
#include "share/signed.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "contract/pubs.h"
#include "contract/rows.h"
#include "crypto/hashsig.h"
#include "keyring/card.h"
#include "keyring/cert.h"
#include "ledger/hash.h"
#include "record/derived.h"
#include "replica/ask.h"
#include "replica/people.h"
#include "replica/names.h"

#include "share_private.h"

static emr_id32 id_of(const uint8_t pk[32])
{
	const emr_bytes bytes = emr_bytes_of(pk, 32);

	return emr_sha256_of(&bytes, 1);
}

/* A statement that is not here (any more), or cannot be read: no fault of the version, and no proof
 * for it. */
static bool is_absent(emr_status status)
{
	return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA || status == EMR_DAMAGED;
}

/* ---- the owner's keys ---- */

emr_status share_is_device_of(
	emr_replica *replica, const emr_known_person *key, emr_id32 person, bool *out_is)
{
	*out_is = false;
	return (key->row.roles & EMR_ROLE_DEVICE) == 0
		       ? EMR_OK
		       : emr_replica_is_same_person(
				 replica, EMR_ID32_AT(key->row.ref), person, out_is);
}

emr_status emr_signed_is_owner(emr_replica *replica, emr_id16 domain, const uint8_t owner_pk[32],
	const uint8_t patient_pk[32], emr_id32 signer, bool *out_is)
{
	emr_known_person key;
	uint8_t pk[32];
	emr_status status;

	*out_is = emr_id32_equal(signer, id_of(owner_pk)) ||
		  emr_id32_equal(signer, id_of(patient_pk));
	if (*out_is)
		return EMR_OK;
	status = emr_replica_person(replica, signer, &key);
	if (status == EMR_OK)
		status = share_is_device_of(replica, &key, id_of(patient_pk), out_is);
	if (status == EMR_OK && !*out_is) /* or one of her keys */
		status = emr_replica_is_same_person(replica, signer, id_of(patient_pk), out_is);
	/* Also where somebody who has a former key of the folder registered it as a person's. */
	if (!*out_is && (status == EMR_OK || status == EMR_NOT_FOUND))
		status = emr_replica_find_owner(replica, domain, signer, pk, out_is);
	return is_absent(status) ? EMR_OK : status;
}

/* The key of id ID of a domain, or one that it had; MINE_ONLY: of one of this keyring's.  *OUT_IS:
 * there is one. */
static emr_status find_domain_key(
	emr_replica *replica, emr_id32 id, bool mine_only, uint8_t out_pk[32], bool *out_is)
{
	emr_known_domain known;
	EMR_ASK(domains, replica, DOMAINS);

	while (!*out_is && emr_next(&domains, &known)) {
		if (!known.is_mine && mine_only)
			continue;
		*out_is = emr_id32_equal(id_of(known.row.owner_pk), id);
		if (*out_is)
			memcpy(out_pk, known.row.owner_pk, 32);
		else if (known.row.head.version > 1)
			EMR_TRY(emr_replica_find_owner(replica, known.domain, id, out_pk, out_is));
	}
	return domains.status;
}

/* ---- one judgement ---- */

typedef struct judging {
	emr_replica *replica;
	const emr_signed_place *place;
	const emr_bundle *bundle;
	emr_signed *is;
	emr_id32 issuer;
	uint8_t pk[32];		   /* the issuer's; zeros: nobody's */
	bool is_domain, is_person; /* what kind of key that is */
	emr_known_person person;
} judging;

static emr_status end_as(judging *j, emr_signed_standing standing, emr_signed_fault fault)
{
	j->is->standing = standing;
	j->is->fault = fault;
	return EMR_OK;
}

static emr_status mismatch(judging *j, emr_signed_fault fault)
{
	return end_as(j, EMR_SIGNED_MISMATCH, fault);
}

/* A record that was moved carries the statement of the domain it was saved in: whose that was, the
 * ledger tells only to its owner; to others, that the owner signed for it again here. */
static emr_status find_folder(judging *j)
{
	emr_status status = emr_replica_find_owner(
		j->replica, j->place->domain, j->issuer, j->pk, &j->is_domain);

	return j->is_domain || (status != EMR_OK && !is_absent(status))
		       ? status
		       : find_domain_key(
				 j->replica, j->issuer, j->place->mine_only, j->pk, &j->is_domain);
}

/* Whose key has the id that the statement names. */
static emr_status find_issuer(judging *j)
{
	emr_status status;

	if (emr_id32_equal(j->issuer, id_of(j->place->owner_pk))) {
		memcpy(j->pk, j->place->owner_pk, 32);
		j->is_domain = true;
		return EMR_OK;
	}
	status = emr_replica_person(j->replica, j->issuer, &j->person);
	if (status == EMR_OK) {
		memcpy(j->pk, j->person.row.pk, 32);
		j->is_person = true;
		j->is->roles = j->person.row.roles;
		return EMR_OK;
	}
	return is_absent(status) ? find_folder(j) : status;
}

static emr_statement_verdict compare_as(const judging *j, const uint8_t patient_pk[32])
{
	const emr_statement_expect expect = {.patient_pk = patient_pk,
		.r_pid = j->place->r_pid,
		.record_id = j->place->record_id,
		.cver = j->place->cver,
		.reencrypted = j->place->is_reencrypted,
		.issuer_key = emr_bytes_of(j->pk, 32)};

	return emr_statement_check(j->bundle, &expect);
}

/* It names the patient by the key that she had then. */
static emr_status compare_statement(judging *j)
{
	EMR_AUTO_BUF keys = {0};
	emr_status status = EMR_OK;

	j->is->verdict = compare_as(j, j->place->patient_pk);
	if (j->is->verdict == EMR_STATEMENT_WRONG_PATIENT)
		status = emr_replica_keys_of(j->replica, id_of(j->place->patient_pk), &keys);
	EMR_EACH (const emr_known_person, key, &keys)
		if (j->is->verdict == EMR_STATEMENT_WRONG_PATIENT)
			j->is->verdict = compare_as(j, key->row.pk);
	return is_absent(status) ? EMR_OK : status;
}

/* ---- another's certificate ---- */

/* The entry of the issuer's key that names the certificate. */
typedef struct entry_search {
	const uint8_t *ref;
	uint64_t before_seq, seq, version, not_after;
	uint8_t pub[288], bind_sig[64];
	size_t pub_len;
	emr_id32 key; /* whose entry it is: the issuer, or a key that he was before */
	bool is_found;
} entry_search;

static void look_at_entry(entry_search *s, const emr_replica_item *item)
{
	emr_pub_key_reg reg = {.how = 0};
	emr_pub_key_cert cert = {.not_after_unix_s = 0};
	emr_span pub;

	if (item->seq > s->before_seq || item->bytes.len < EMR_ITEM_BYTES)
		return;
	pub = (emr_span){item->bytes.data + EMR_ITEM_BYTES, item->bytes.len - EMR_ITEM_BYTES};
	if (item->op == EMR_OP_KEY_REG && emr_pub_key_reg_parse(pub, &reg) &&
		reg.how == EMR_HOW_CERTIFICATE && memcmp(reg.ref, s->ref, 32) == 0) {
		s->not_after = reg.not_after_unix_s;
		memcpy(s->bind_sig, reg.bind_sig, 64);
	} else if (item->op == EMR_OP_KEY_CERT && emr_pub_key_cert_parse(pub, &cert) &&
		   memcmp(cert.ref, s->ref, 32) == 0) {
		s->not_after = cert.not_after_unix_s;
		memcpy(s->bind_sig, cert.bind_sig, 64);
	} else {
		return;
	}
	s->is_found = true;
	s->seq = item->seq;
	s->version = item->version;
	s->pub_len = pub.len;
	memcpy(s->pub, pub.data, pub.len);
}

static emr_status find_entry_of(const judging *j, emr_id32 key, entry_search *out)
{
	const bool was_found = out->is_found;
	emr_replica_item item;
	EMR_ASK(items, j->replica, HISTORY, .family = EMR_FAMILY_KEY, .object = EMR_ID16_AT(key.b));

	while (emr_next(&items, &item))
		look_at_entry(out, &item);
	if (out->is_found && !was_found)
		out->key = key;
	return items.status;
}

/* A key that followed another keeps the certificate, which vouches for the one before. */
static emr_status find_entry(const judging *j, entry_search *out)
{
	EMR_AUTO_BUF keys = {0};

	EMR_TRY(find_entry_of(j, j->issuer, out));
	if (!out->is_found)
		EMR_TRY(emr_replica_keys_of(j->replica, j->issuer, &keys));
	EMR_EACH (const emr_known_person, key, &keys) {
		if (out->is_found || emr_id32_equal(key->signer_id, j->issuer))
			break;
		EMR_TRY(find_entry_of(j, key->signer_id, out));
	}
	return EMR_OK;
}

/* salt, certificate, and what its bearer says of himself, which is nobody's name. */
static emr_status read_part(
	judging *j, const entry_search *entry, emr_buf *part, emr_bytes *out_der)
{
	emr_part_key at = {.family = EMR_FAMILY_KEY,
		.version = entry->version,
		.object = EMR_ID16_AT(entry->key.b)};
	emr_reader r;

	EMR_TRY(emr_replica_part(j->replica, &at, part));
	r = emr_reader_of(emr_buf_view(part));
	(void)emr_read_bytes(&r, 32);
	*out_der = emr_read_bytes(&r, emr_read_u16(&r));
	(void)emr_read_bytes(&r, emr_read_u8(&r));
	return r.bad ? EMR_DAMAGED : EMR_OK;
}

/* A name may not contain the words that the attribute puts behind it. */
static bool is_fit_to_show(const char *name, size_t len)
{
	return len > 0 && memchr(name, '\0', len) == NULL && emr_shown_name_ok(name, len) &&
	       memmem(name, len, " at=", 4) == NULL && (len < 3 || memcmp(name, "at=", 3) != 0);
}

/* By the certificate of entry SEQ, and the organisation that gave it. */
static emr_status name_them(judging *j, uint64_t seq)
{
	emr_signed *is = j->is;
	emr_known_name known = {.shown = ""};
	const char *organisation =
		is_fit_to_show(is->organisation, strlen(is->organisation)) ? is->organisation : "";

	EMR_TRY(emr_replica_name(j->replica, j->issuer, seq, &known));
	if (organisation[0] != '\0' &&
		((is->roles & EMR_ROLE_HOSPITAL) != 0 || known.shown[0] == '\0'))
		snprintf(is->by, sizeof is->by, "%s", organisation);
	else
		snprintf(is->by, sizeof is->by, "%s%s%s", known.shown,
			organisation[0] != '\0' ? ", " : "", organisation);
	return EMR_OK;
}

/* That the certificate is the organisation's, and that its key vouches for the issuer's. */
static emr_signed_fault check_certificate(const judging *j, const entry_search *entry,
	emr_bytes der, emr_bytes ca, emr_cert_facts *facts)
{
	uint8_t message[EMR_BIND_MESSAGE_BYTES], net[16];
	emr_status status = emr_cert_read(der, facts);

	if (status != EMR_OK || memcmp(facts->ref.b, entry->ref, 32) != 0)
		return EMR_SIGNED_BAD_CERTIFICATE;
	if (ca.len == 0)
		return EMR_SIGNED_NO_CERTIFICATE;
	status = emr_cert_verify(der, ca, j->place->time_unix_s, facts);
	if (status == EMR_DENIED)
		return EMR_SIGNED_NOT_IN_FORCE;
	if (status != EMR_OK || !emr_cert_is_of(facts, j->person.row.org))
		return EMR_SIGNED_BAD_CERTIFICATE;
	emr_descriptor_net_id((emr_span){j->place->descriptor.data, j->place->descriptor.len}, net);
	if (emr_bind_message(net, entry->key.b, (emr_span){entry->pub, entry->pub_len}, message) !=
			EMR_CONTRACT_OK ||
		!emr_p256_verify(
			facts->spki, sizeof facts->spki, message, sizeof message, entry->bind_sig))
		return EMR_SIGNED_BAD_CERTIFICATE;
	return EMR_SIGNED_NO_FAULT;
}

/* In force when the version came; when only a later moment is known, an end between the two proves
 * nothing.  The ledger takes nothing from a key that has ended, so what came in the second of the
 * end came before it. */
static emr_signed_fault check_dates(const judging *j, const entry_search *entry)
{
	const emr_signed_place *place = j->place;
	uint64_t since = j->person.row.invalid_since_unix_s;

	if (since != 0 &&
		(since < place->time_unix_s || (since == place->time_unix_s && !place->is_put)))
		return place->is_put ? EMR_SIGNED_REVOKED : EMR_SIGNED_TIME_UNKNOWN;
	if (entry->not_after <= place->time_unix_s)
		return place->is_put ? EMR_SIGNED_NOT_IN_FORCE : EMR_SIGNED_TIME_UNKNOWN;
	return EMR_SIGNED_NO_FAULT;
}

static emr_status end_with(judging *j, emr_signed_fault fault)
{
	if (fault == EMR_SIGNED_NO_FAULT)
		return end_as(j, EMR_SIGNED_VALID, fault);
	if (fault == EMR_SIGNED_NO_CERTIFICATE || fault == EMR_SIGNED_TIME_UNKNOWN)
		return end_as(j, EMR_SIGNED_STALE, fault);
	return mismatch(j, fault);
}

static emr_status judge_other(judging *j)
{
	entry_search entry = {.ref = j->bundle->statement.cert_ref, .before_seq = j->place->seq};
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_ORGANISATION org = {.name = ""};
	emr_cert_facts facts = {.is_ca = false};
	emr_bytes der;
	emr_signed_fault fault;
	emr_status status =
		emr_replica_organisation(j->replica, j->place->descriptor, j->person.row.org, &org);

	if (status == EMR_NOT_FOUND)
		status = EMR_OK;
	snprintf(j->is->organisation, sizeof j->is->organisation, "%s", org.name);
	if (status == EMR_OK)
		status = find_entry(j, &entry);
	if (status != EMR_OK && !is_absent(status))
		return status;
	status = name_them(j, entry.is_found ? entry.seq : j->place->seq);
	if (status != EMR_OK && !is_absent(status))
		return status;
	if (!entry.is_found)
		return mismatch(j, EMR_SIGNED_NO_ENTRY);
	status = read_part(j, &entry, &part, &der);
	if (status != EMR_OK && !is_absent(status))
		return status;
	fault = check_dates(j, &entry);
	if (status == EMR_OK && fault == EMR_SIGNED_NO_FAULT)
		fault = check_certificate(j, &entry, der, emr_buf_view(&org.ca), &facts);
	else if (fault == EMR_SIGNED_NO_FAULT)
		fault = EMR_SIGNED_NO_CERTIFICATE;
	if (fault == EMR_SIGNED_NOT_IN_FORCE && !j->place->is_put)
		fault = EMR_SIGNED_TIME_UNKNOWN;
	return end_with(j, fault);
}

/* The owner's own word has no certificate, and only she puts it on the ledger; which of her keys
 * signed each does not matter: records that were moved, or taken to another network, keep their
 * statement. */
static emr_status judge_own(judging *j, bool put_by_owner)
{
	if (!put_by_owner)
		return mismatch(j, EMR_SIGNED_NOT_SELF);
	if (!emr_id32_is_zero(EMR_ID32_AT(j->bundle->statement.cert_ref)))
		return mismatch(j, EMR_SIGNED_NO_ENTRY);
	return end_as(j, EMR_SIGNED_SELF, EMR_SIGNED_NO_FAULT);
}

static void copy_statement(judging *j)
{
	const emr_statement *statement = &j->bundle->statement;
	emr_signed *is = j->is;

	memcpy(j->issuer.b, statement->issuer_id, 32);
	is->issuer = j->issuer;
	is->kind = statement->kind;
	is->cver = statement->cver;
	is->issuer_seq = statement->issuer_seq;
	is->issued_at = statement->issued_at;
	memcpy(is->prev, statement->prev, 32);
	is->has_rules =
		statement->kind == EMR_STATEMENT_DERIVED &&
		emr_derived_doc_read(emr_bytes_of(j->bundle->doc, j->bundle->doc_len), is->rules);
	emr_sha256(j->bundle->statement_bytes, EMR_STATEMENT_BYTES, is->id);
}

static emr_status judge_statement(judging *j)
{
	bool put_by_owner = false, is_own = false;

	EMR_TRY(emr_signed_is_owner(j->replica, j->place->domain, j->place->owner_pk,
		j->place->patient_pk, j->place->put_signer, &put_by_owner));
	if (!j->bundle->has_statement) {
		j->is->verdict = EMR_STATEMENT_NONE;
		return put_by_owner ? end_as(j, EMR_SIGNED_NONE, EMR_SIGNED_NO_FAULT)
				    : mismatch(j, EMR_SIGNED_MISSING);
	}
	copy_statement(j);
	EMR_TRY(find_issuer(j));
	EMR_TRY(compare_statement(j));
	if (j->is->verdict == EMR_STATEMENT_WRONG_ISSUER && !j->is_domain && !j->is_person)
		return mismatch(j, EMR_SIGNED_UNKNOWN_KEY);
	is_own = j->is_domain;
	if (j->is_person)
		EMR_TRY(emr_replica_is_same_person(
			j->replica, j->issuer, id_of(j->place->patient_pk), &is_own));
	if (j->is_person && !is_own)
		EMR_TRY(share_is_device_of(
			j->replica, &j->person, id_of(j->place->patient_pk), &is_own));
	if (j->is->verdict != EMR_STATEMENT_VALID &&
		j->is->verdict != EMR_STATEMENT_VALID_AFTER_HASH) {
		if (!is_own && j->is_person)
			(void)!judge_other(j); /* for its name alone */
		return mismatch(j, EMR_SIGNED_STATEMENT);
	}
	if (is_own)
		return judge_own(j, put_by_owner);
	EMR_TRY(judge_other(j));
	/* Nobody is that person but who has a key of the folder, and registered it as his own. */
	if (j->is->standing == EMR_SIGNED_MISMATCH)
		EMR_TRY(find_folder(j));
	if (j->is_domain) {
		j->is->by[0] = j->is->organisation[0] = '\0';
		j->is->roles = 0;
		return judge_own(j, put_by_owner);
	}
	/* A right to write is none to bring again what somebody else once said. */
	if (j->is->standing != EMR_SIGNED_MISMATCH && !put_by_owner &&
		!emr_id32_equal(j->issuer, j->place->put_signer))
		return mismatch(j, EMR_SIGNED_OTHERS_WORD);
	return EMR_OK;
}

emr_status emr_signed_judge(emr_replica *replica, const emr_signed_place *place,
	const emr_bundle *bundle, emr_signed *out_signed)
{
	emr_signed is = {.standing = EMR_SIGNED_MISMATCH};
	judging j = {.replica = replica, .place = place, .bundle = bundle, .is = &is};

	EMR_TRY(judge_statement(&j));
	*out_signed = is;
	return EMR_OK;
}

/* ---- in words ---- */

void emr_signed_text(const emr_signed *is, const char *self, uint64_t at_unix_s, bool compared,
	const char *note, char *out, size_t size)
{
	static const char *const words[] = {[EMR_SIGNED_NONE] = "none",
		[EMR_SIGNED_SELF] = "self",
		[EMR_SIGNED_VALID] = "valid",
		[EMR_SIGNED_STALE] = "stale",
		[EMR_SIGNED_MISMATCH] = "mismatch"};
	const char *word = words[is->standing],
		   *by = is->standing == EMR_SIGNED_SELF ? self : is->by;
	time_t at = (time_t)at_unix_s;
	char when[32] = "";
	struct tm utc;

	if (strstr(by, " at=") != NULL) /* a card's */
		by = "";
	if (is->standing == EMR_SIGNED_VALID && !compared)
		word = "valid-content";
	if (is->standing == EMR_SIGNED_SELF && is->kind == EMR_STATEMENT_DERIVED)
		word = "derived";
	if (gmtime_r(&at, &utc) != NULL)
		strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
	snprintf(out, size, "%s%s%s at=%s%s%s", word, by[0] != '\0' ? " by=" : "", by, when,
		note[0] != '\0' ? " " : "", note);
}

const char *emr_signed_note(bool is_superseded, bool is_amendment, bool is_gap, bool is_placed)
{
	if (is_superseded)
		return is_placed ? "superseded placed" : "superseded";
	if (is_amendment && is_gap)
		return is_placed ? "amendment gap placed" : "amendment gap";
	if (is_amendment)
		return is_placed ? "amendment placed" : "amendment";
	return is_placed ? "placed" : "";
}
