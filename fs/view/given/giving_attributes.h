/* The attributes shared-with and grant.WHO of a folder: reading them lists whom it is shared
 * with, and writing them shares it (through view/giving.h). They refuse nodes that are not the
 * person's own: the past, and files that are made on the fly. */
#pragma once

#include "attributes.h"

/* user.emrfs.shared-with and each grant.WHO.  A value with `grant=` is what reading one gave: a
 * copy, which never shares.  Without the node's code (confirm.h) nothing is taken that lets anybody
 * see more: EMR_FORBIDDEN. */
extern const attribute_source giving_attributes;
