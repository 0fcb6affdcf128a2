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
	for (size_t at = 0; at < ids->len; at += 32)
		if (memcmp(ids->data + at, id, 32) == 0)
			return true;
	return false;
}

static emr_status add_id(emr_buf *ids, const uint8_t id[32])
{
	return has_id(ids, id) ? EMR_OK : emr_buf_append(ids, id, 32);
}

/* ---- what vouched for a key ---- */

typedef struct vouchers {
	const emr_bureau *bureau;
	emr_buf refs;
} vouchers;

static void vouchers_free(vouchers *v)
{
	emr_buf_free(&v->refs);
}
#define AUTO_VOUCHERS __attribute__((cleanup(vouchers_free))) vouchers

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

static emr_status note_voucher(void *arg, const emr_replica_item *item)
{
	vouchers *v = arg;
	emr_known_person endorser;
	emr_status status;
	emr_id32 ref;

	if (item->bytes.len < EMR_ITEM_BYTES || !certificate_of(item, ref.b))
		return EMR_OK;
	status = emr_replica_person(v->bureau->session.replica, ref, &endorser);
	if (status == EMR_OK)
		return EMR_OK;
	return status == EMR_NOT_FOUND ? add_id(&v->refs, ref.b) : status;
}

static emr_status find_vouchers(vouchers *v, const emr_known_person *person)
{
	emr_id16 nowhere = {{0}}, object;

	memcpy(object.b, person->signer_id.b, sizeof object.b);
	return emr_replica_history(
		v->bureau->session.replica, EMR_FAMILY_KEY, nowhere, object, note_voucher, v);
}

/* ---- whom they vouch for ---- */

static bool have_one_in_common(const emr_buf *one, const emr_buf *other)
{
	for (size_t at = 0; at < one->len; at += 32)
		if (has_id(other, one->data + at))
			return true;
	return false;
}

/* Another key of her chain, or one that a certificate of hers vouched for, brings its own. */
static emr_status join_vouchers(void *arg, const emr_known_person *person)
{
	emr_ending *e = arg;
	AUTO_VOUCHERS v = {.bureau = e->bureau};

	if (memcmp(person->row.org, e->bureau->org.b, 16) != 0 ||
		has_id(&e->keys, person->signer_id.b))
		return EMR_OK;
	EMR_TRY(find_vouchers(&v, person));
	if (memcmp(person->row.root, e->person.row.root, 32) != 0 &&
		!have_one_in_common(&v.refs, &e->certificates))
		return EMR_OK;
	EMR_TRY(emr_buf_append(&e->keys, person->signer_id.b, 32));
	for (size_t at = 0; at < v.refs.len; at += 32)
		EMR_TRY(add_id(&e->certificates, v.refs.data + at));
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

typedef struct namesakes {
	const emr_ending *ending;
	uint8_t enrolment[32]; /* as the ledger tells names apart */
	bool is_there;
} namesakes;

static emr_status note_namesake(void *arg, const emr_staff_member *m)
{
	namesakes *n = arg;
	uint8_t own[32];

	emr_enrolment_id(n->ending->bureau->org.b, m->handle, own);
	n->is_there |= m->is_active && memcmp(own, n->enrolment, sizeof own) == 0 &&
		       !has_id(&n->ending->keys, m->person.signer_id.b);
	return EMR_OK;
}

/* Certificates that the authority gave and no ledger has seen are in nobody's list but by the
 * person's name; another key in force that has this name is then renewed, too. */
static emr_status add_name(emr_ending *e, const char *handle)
{
	emr_act act = emr_act_enrol_revoke(e->bureau->org, handle, UINT64_MAX);
	namesakes others = {.ending = e};
	uint64_t through = 0;
	emr_status status = emr_staff_ended_through(e->bureau, handle, &through);

	emr_enrolment_id(e->bureau->org.b, handle, others.enrolment);
	if (status == EMR_NOT_FOUND)
		status = EMR_OK;
	if (status == EMR_OK)
		status = emr_staff_each(e->bureau, note_namesake, &others);
	if (status != EMR_OK || others.is_there || through == UINT64_MAX)
		return status;
	return emr_buf_append(&e->acts, &act, sizeof act);
}

/* Certificates first: an administrator who ends his own key signs nothing behind that. */
emr_status emr_ending_find(
	const emr_bureau *bureau, const emr_staff_member *who, emr_ending *out_ending)
{
	emr_ending *e = out_ending;
	emr_status status = EMR_OK;
	size_t had = 0;

	*e = (emr_ending){.bureau = bureau, .person = who->person};
	do {
		had = e->keys.len;
		status = emr_replica_people(bureau->session.replica, join_vouchers, e);
	} while (status == EMR_OK && e->keys.len > had);
	for (size_t at = 0; status == EMR_OK && at < e->certificates.len; at += 32)
		status = add_certificate(e, e->certificates.data + at);
	if (status == EMR_OK && who->handle[0] != '\0')
		status = add_name(e, who->handle);
	for (size_t at = 0; status == EMR_OK && at < e->keys.len; at += 32)
		status = add_key(e, e->keys.data + at);
	return status;
}

emr_status emr_ending_send(emr_bureau *bureau, emr_ending *ending, emr_problem *out_problem)
{
	emr_act *acts = (emr_act *)(void *)ending->acts.data;

	return emr_bureau_send_all(bureau, acts, ending->acts.len / sizeof *acts, out_problem);
}
