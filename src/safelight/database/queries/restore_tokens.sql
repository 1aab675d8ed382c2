-- The line is made anew from the images: the reconciler puts their tokens back.
delete from pgqueuer
