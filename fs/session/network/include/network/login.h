/* Whether the certificate authority of one's own organisation is asked where a network's directory
 * leads, a Hyperledger Fabric CA, and what an invitation says of it. It refuses settings that it
 * cannot read: then no other authority takes its place. */
#pragma once

#include "base/bytes.h"
#include "kit/message.h"

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
