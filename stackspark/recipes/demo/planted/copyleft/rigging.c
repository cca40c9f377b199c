/* SPDX-License-Identifier: GPL-3.0-only */
/* A file whose own tag says copyleft although the repository's licence is MIT. */
#include <stdio.h>

int stays_per_mast(int masts, int stays)
{
    if (masts == 0)
        return 0;
    return stays / masts;
}

int main(void)
{
    printf("%d stays per mast\n", stays_per_mast(3, 27));
    return 0;
}
