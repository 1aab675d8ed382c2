select w.id, w.graph as sha256, g.graph, w.slots, w.exact_size
from workflows w join graphs g on g.sha256 = w.graph order by w.id
