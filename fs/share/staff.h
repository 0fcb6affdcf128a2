/* The auditors of one's own organisation can read what one asks for; this tells who they are. It
 * refuses to name those of another. */
#pragma once

#include "judge.h"
#include "share/audit.h"
#include "share_private.h"

/* FN for each record that Q, which is open, asks for; ENTRY says the rest. */
emr_status staff_tell_slots(emr_audit_fn fn, void *arg, const question *q, emr_audit_entry *entry);

/* As of this handle's last look; borrowed. */
emr_status staff_auditors(emr_share *share, const auditors **out);
