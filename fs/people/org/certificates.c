/* This file finds the certificates of a person whose key ends, and takes them out of use with it:
 * the revoked person still has them, and could register another key. Certificates before a renewal
 * count, and so do other keys that one of them vouched for, and certificates that the authority
 * gave by the same name and that the ledger has not seen. */
#include "org_private.h"

#include <string.h>

#include "base/clock.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "ledger/act.h"

static bool has_id(const emr_buf *ids, const uint8_t id[32])
{
	return emr_buf_has(ids, emr_bytes_of(id, 32));
}

static emr_status add_id(emr_buf *ids, const uint8_t id[32])
{
	return has_id(ids, id) ? EMR_OK : emr_buf_append(ids, id, 32);
}

/* ---- what vouched for a key ---- */

/* The item's certificate; false when it names none.  A computer's may name who endorsed it. */
static bool certificate_of(const emr_replica_item *item, uint8_t out_ref[32])
{
	emr_span pub = {item->bytes.data + EMR_ITEM_BYTES, item->bytes.len - EMR_ITEM_BYTES};
	emr_pub_key_reg reg;
	emr_pub_key_cert cert;

	if (item->op == EMR_OP_KEY_REG && emr_pub_key_reg_parse(pub, &reg) &&
		reg.how == EMR_HOW_CERTIFICATE) {
		memcpy(out_ref, reg.ref, 32);
		return true;
	}
	if (item->op != EMR_OP_KEY_CERT || !emr_pub_key_cert_parse(pub, &cert))
		return false;
	memcpy(out_ref, cert.ref, 32);
	return true;
}

/* Appends what PERSON's items name, each once. */
static emr_status find_vouchers(
	emr_replica *replica, const emr_known_person *person, emr_buf *out_refs)
{
	EMR_ASK(asked, replica, HISTORY, .family = EMR_FAMILY_KEY,
		.object = EMR_ID16_AT(person->signer_id.b));
	emr_replica_item item;
	emr_known_person endorser;
	emr_id32 ref;

	while (emr_next(&asked, &item)) {
		emr_status status = EMR_OK;

		if (item.bytes.len < EMR_ITEM_BYTES || !certificate_of(&item, ref.b))
			continue;
		status = emr_replica_person(replica, ref, &endorser);
		if (status != EMR_OK)
			EMR_TRY(status == EMR_NOT_FOUND ? add_id(out_refs, ref.b) : status);
	}
	return asked.status;
}

/* ---- whom they vouch for ---- */

static bool have_one_in_common(const emr_buf *one, const emr_buf *other)
{
	EMR_EACH (const emr_id32, id, one)
		if (has_id(other, id->b))
			return true;
	return false;
}

/* Another key of her chain, or one that a certificate of hers vouched for, brings its own. */
static emr_status join_vouchers(emr_ending *e, const emr_known_person *person)
{
	EMR_AUTO_BUF refs = {0};

	if (memcmp(person->row.org, e->bureau->org.b, 16) != 0 ||
		has_id(&e->keys, person->signer_id.b))
		return EMR_OK;
	EMR_TRY(find_vouchers(e->bureau->session.replica, person, &refs));
	if (memcmp(person->row.root, e->person.row.root, 32) != 0 &&
		!have_one_in_common(&refs, &e->certificates))
		return EMR_OK;
	EMR_TRY(emr_buf_append(&e->keys, person->signer_id.b, 32));
	EMR_EACH (const emr_id32, ref, &refs)
		EMR_TRY(add_id(&e->certificates, ref->b));
	return EMR_OK;
}

/* ---- what is to be sent ---- */

static emr_status add_certificate(emr_ending *e, const uint8_t ref[32])
{
	EMR_AUTO_BUF row = {0};
	emr_key_text key;
	emr_act act;
	emr_status status;

	emr_key_certificate(e->bureau->org.b, ref, &key);
	status = emr_replica_state_get(e->bureau->session.replica, key.text, &row);
	if (status != EMR_NOT_FOUND)
		return status;
	act = emr_act_cert_revoke(e->bureau->org, ref);
	return emr_buf_append(&e->acts, &act, sizeof act);
}

/* Hers, and others in force; a later key of her own chain is not the one that was named. */
static emr_status add_key(emr_ending *e, const uint8_t id[32])
{
	emr_known_person one;
	emr_id32 signer_id;
	emr_act act;
	bool is_hers = memcmp(id, e->person.signer_id.b, 32) == 0;

	memcpy(signer_id.b, id, 32);
	EMR_TRY(emr_replica_person(e->bureau->session.replica, signer_id, &one));
	if (one.row.head.state == EMR_KEY_REVOKED)
		return EMR_OK;
	if (!is_hers && (one.row.head.state != EMR_KEY_ACTIVE ||
				memcmp(one.row.root, e->person.row.root, 32) == 0))
		return EMR_OK;
	e->others += !is_hers;
	act = emr_act_key_revoke(signer_id, emr_clock_unix_s(emr_clock_system()), 0);
	return emr_buf_append(&e->acts, &act, sizeof act);
}

void emr_ending_free(emr_ending *ending)
{
	emr_buf_free(&ending->certificates);
	emr_buf_free(&ending->keys);
	emr_buf_free(&ending->acts);
}

emr_status emr_staff_ended_through(
	const emr_bureau *bureau, const char *handle, uint64_t *out_unix_s)
{
	uint8_t enrolment[32];
	EMR_AUTO_BUF value = {0};
	emr_row_enrolment row;
	emr_key_text key;

	emr_enrolment_id(bureau->org.b, handle, enrolment);
	emr_key_enrolment(bureau->org.b, enrolment, &key);
	EMR_TRY(emr_replica_state_get(bureau->session.replica, key.text, &value));
	if (emr_row_enrolment_parse((emr_span){value.data, value.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	*out_unix_s = row.through_unix_s;
	return EMR_OK;
}

/* Certificates that the authority gave and no ledger has seen are in nobody's list but by the
 * person's name; another key in force that has this name, as the ledger tells names apart, is then
 * renewed, too. */
static emr_status add_name(emr_ending *e, const char *handle)
{
	emr_act act = emr_act_enrol_revoke(e->bureau->org, handle, UINT64_MAX);
	uint8_t enrolment[32], theirs[32];
	uint64_t through = 0;
	emr_staff_member m;
	emr_status status = emr_staff_ended_through(e->bureau, handle, &through);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	emr_enrolment_id(e->bureau->org.b, handle, enrolment);
	EMR_ASK(asked, e->bureau->session.replica, PEOPLE);
	while (emr_staff_next(&asked, e->bureau, &m)) {
		emr_enrolment_id(e->bureau->org.b, m.handle, theirs);
		if (m.is_active && memcmp(theirs, enrolment, sizeof theirs) == 0 &&
			!has_id(&e->keys, m.person.signer_id.b))
			return EMR_OK;
	}
	EMR_TRY(asked.status);
	return through == UINT64_MAX ? EMR_OK : emr_buf_append(&e->acts, &act, sizeof act);
}

/* Certificates first: an administrator who ends his own key signs nothing behind that. */
emr_status emr_ending_find(
	const emr_bureau *bureau, const emr_staff_member *who, emr_ending *out_ending)
{
	emr_ending *e = out_ending;
	emr_known_person person;
	size_t had = 0;

	*e = (emr_ending){.bureau = bureau, .person = who->person};
	do {
		EMR_ASK(asked, bureau->session.replica, PEOPLE);
		had = e->keys.len;
		while (emr_next(&asked, &person))
			EMR_TRY(join_vouchers(e, &person));
		EMR_TRY(asked.status);
	} while (e->keys.len > had);
	EMR_EACH (const emr_id32, ref, &e->certificates)
		EMR_TRY(add_certificate(e, ref->b));
	if (who->handle[0] != '\0')
		EMR_TRY(add_name(e, who->handle));
	EMR_EACH (const emr_id32, id, &e->keys)
		EMR_TRY(add_key(e, id->b));
	return EMR_OK;
}

emr_status emr_ending_send(emr_bureau *bureau, emr_ending *ending, emr_problem *out_problem)
{
	emr_act *acts = (emr_act *)(void *)ending->acts.data;

	return emr_bureau_send_all(bureau, acts, ending->acts.len / sizeof *acts, out_problem);
}
