/* This makes an invitation with everything given, random parts too, for this folder and its
 * tests only. */
#pragma once

#include "keyring/invite.h"

/* Appends the bytes, id, secret, net_id and admin_pk as they stand in FACTS. */
emr_status emr_invitation_encode(
	const emr_keyring *admin, const emr_invitation *facts, emr_buf *out);
