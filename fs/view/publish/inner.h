/* This is what publishing knows of directories and files that are shared by themselves. */
#pragma once

#include "node.h"

/* Without view->lock: the grants of inner domains are brought in line, if something happened to
 * them. */
emr_status inner_tie(emr_view *view);
