/* The attributes shared-with and grant.WHO, handed to who shares (view/giving.h).  They refuse what
 * is nobody's own: the past, and what is made on the fly. */
#pragma once

#include "attributes.h"

/* user.emrfs.shared-with and each grant.WHO.  A value with `grant=` is what reading one gave: a
 * copy, which never shares.  Without the node's code (confirm.h) nothing is taken that lets anybody
 * see more: EMR_FORBIDDEN. */
extern const attribute_source giving_attributes;
