/* Where a network's directory says that the certificate authority of one's own organisation is
 * asked, a Hyperledger Fabric CA, and what an invitation says of it. It refuses settings that it
 * cannot read whole: then no other authority takes its place. */
#pragma once

#include "enrol/ca.h"
#include "gateway/channel.h"
#include "kit/message.h"

#define EMR_LOGIN_MAX 64 /* bytes of a log-in */

typedef struct emr_login_place {
	emr_ca ca; /* its texts are owned by what follows */
	emr_channel channel;
} emr_login_place;
void emr_login_place_free(emr_login_place *place);
#define EMR_AUTO_LOGIN_PLACE __attribute__((cleanup(emr_login_place_free))) emr_login_place

/* EMR_NOT_FOUND: the network in DIR has no authority for those who use DIR. */
emr_status emr_login_find(const char *dir, emr_login_place *out, emr_problem *out_problem);
/* Also where its address is none: that is said when it is asked. */
bool emr_login_is_there(const char *dir);
/* Also where nobody knows, as the settings cannot be read now. */
bool emr_login_may_be_there(const char *dir);
/* Appends the way to the network in DIR as an invitation has it, for somebody whom the authority
 * knows as LOGIN ("": the person types it). */
emr_status emr_login_carry(
	const char *dir, const char *login, emr_buf *out, emr_problem *out_problem);
/* Whether PLACE, of an invitation, says that the authority is asked, and as whom; "": nobody says.
 */
bool emr_login_carried(emr_bytes place, char out_login[EMR_LOGIN_MAX + 1]);
