/* These functions decide which directories are domains (folders that can be shared by
 * themselves) of this person, and whether this computer may make new ones. */
#pragma once

#include "node.h"

/* A device signs as itself: a domain of its making would be its own for ever, also when it is lost.
 */
bool view_makes_domains(const emr_view *view);
/* For the loading of the tree: the domain of the owner's Inbox (zero: none), and whether what is at
 * PLACE in it was described by somebody else: then it comes in as an arrival. */
emr_status domains_inbox(emr_view *view, emr_id16 *out_domain);
