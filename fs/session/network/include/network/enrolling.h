/* An organisation may run an authority of its own, a Fabric CA, which the host of its network asks.
 * These functions say where it is, ask it for certificates, for a person and for an administrator,
 * and say what an invitation tells of it. They refuse to ask for a secret where there is no
 * terminal, to take a certificate that the person's key does not have, and settings that they
 * cannot read: then no other authority takes its place. */
#pragma once

#include "enrol/ca.h"
#include "kit/message.h"

/* The answer that the person has given already; NULL: it is asked for. */
typedef struct emr_login {
	const char *id;
	const char *secret_file; /* mode 0600 */
} emr_login;

/* KEYRING's certificate, for who says LOGIN; what that leaves open is asked at the terminal.
 * Always with a problem. */
emr_status emr_enrol_by_login(const char *dir, const emr_keyring *keyring, const emr_login *login,
	emr_ca_certificate *out, emr_problem *out_problem);
/* Where nobody is asked: EMR_INVALID for a LOGIN, which would be dropped without a word. */
emr_status emr_enrol_without(const emr_login *login, emr_problem *out_problem);
/* The same for who founds or represents an organisation: EMR_DENIED where the authority does not
 * let that be patient and admin. */
emr_status emr_enrol_admin(const char *dir, const emr_keyring *keyring, const emr_login *login,
	emr_ca_certificate *out, emr_problem *out_problem);
/* The same for who was told to the authority as ID with SECRET. */
emr_status emr_enrol_as(const char *dir, const emr_keyring *keyring, const char *id,
	emr_bytes secret, emr_ca_certificate *out, emr_problem *out_problem);
/* A newer one for the same key, by the one that KEYRING has. */
emr_status emr_enrol_again(const char *dir, const emr_keyring *keyring, emr_ca_certificate *out,
	emr_problem *out_problem);
/* The authority is told of PERSON, by the administrator with KEYRING.  EMR_UNSUPPORTED: it has its
 * people from a directory, which knows the person already or not at all; that is no problem. */
emr_status emr_enrol_register(const char *dir, const emr_keyring *keyring,
	const emr_ca_person *person, emr_problem *out_problem);
/* The authority forgets ID.  EMR_NOT_FOUND, EMR_UNSUPPORTED: it never knew the person, without a
 * problem.
 */
emr_status emr_enrol_revoke(
	const char *dir, const emr_keyring *keyring, const char *id, emr_problem *out_problem);

/* ---- login.c ---- */

#define EMR_LOGIN_MAX 64 /* bytes of a log-in */

/* Where the authority of those who use DIR is asked, at NODE: it, or the host that asks it.
 * EMR_NOT_FOUND: there is none. */
emr_status emr_login_find(const char *dir, char out_node[256], emr_problem *out_problem);
/* Also where the settings cannot be read now: that is said when it is asked. */
bool emr_login_is_there(const char *dir);
/* Keeps in DIR the WHERE that --login-ca of VERB says (emr_authority_keep); NULL: it was not said.
 */
emr_status emr_login_keep(
	const char *dir, const char *where, const char *verb, emr_problem *out_problem);
/* Appends the way to the network in DIR as an invitation has it, for somebody whom the authority
 * knows as LOGIN ("": the person types it).  EMR_NOT_FOUND: no host leads there. */
emr_status emr_login_carry(const char *dir, const char *login, emr_buf *out);
/* Whether PLACE, of an invitation, says that the authority is asked, and as whom; "": nobody says.
 */
bool emr_login_carried(emr_bytes place, char out_login[EMR_LOGIN_MAX + 1]);
