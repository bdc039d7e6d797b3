[10][25]A door opens.
[30][45]/He sits.
