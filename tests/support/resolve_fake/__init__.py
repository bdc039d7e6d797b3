"""DaVinci Resolve's scripting as it is documented and reported, simulated strictly: wrong calls are faults.

Names, numbers of arguments and literals come from `fusionscript-stubs`; what calls do, is in `world.py`.
"""
